"""Recording rules and alerts, written by `python -m prometheus` into `rules/`.

    options     thresholds, job name, addresses: the one place to change them
    recording   shares and volumes that several alerts ask for
    alerts      the alerts, as a table
    files       rules -> YAML

Metric names and labels come from the exporter's catalog by way of `grafana.promql`.
"""
