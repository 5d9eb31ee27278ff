"""A simulated GREEN-API: made-up accounts whose messages live through their statuses, behind a real HTTP server.

For `--demo`, tests and benchmarks. Of the package it knows `exporter.model` only, so that it cannot agree with the
exporter by sharing its mistakes. Everything in it is invented: numbers, tokens, texts.

    plan      what is to happen, as data                          (pure)
    lives     what happens to a message, drawn from a seed        (pure)
    account   one instance at a given moment: journal and truth   (pure)
    bodies    one journal row as the service writes it            (pure)
    service   a question -> the service's answer, limits included (pure)
    faults    the ways an answer can be made to go wrong
    server    the HTTP server, and its control endpoints
    clock     running, accelerated and hand-set time
    story     the demo's three instances, and a scripted day
"""
