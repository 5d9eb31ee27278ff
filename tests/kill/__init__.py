"""The kill test: an exporter that is killed again and again while messages live on must end with the true numbers.

`lives` writes messages whose truth is certain, `process` runs and kills the exporter, `scraping` reads its answers and
watches that no counter ever falls, `duel` plays it all, `verdict` compares the end with the truth.
`python -m tests.kill` is the long form; `test_kill` the short one.
"""
