"""The Grafana dashboards, written by `python -m grafana` into `dashboards/` and `import/`.

    promql      selectors that exist: every metric, label and label value is looked up in the exporter's catalog
    look        colours and words of statuses and states
    panels      one function for each kind of panel
    board       rows of panels -> a whole dashboard: places, ids, variables, links, annotations
    questions   what is asked, as PromQL
    tables, shared, fleet, instance   the panels of GREEN-API / Fleet and GREEN-API / Instance

Plain dictionaries in Grafana's classic JSON; knows nothing of a running Grafana.
"""
