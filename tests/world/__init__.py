"""The whole exporter in the world it lives in: real sockets on loopback, a service that misbehaves, clients that do.

    secrets     what no output may hold, and the search for it
    service     a GREEN-API of a few instances, each of which can be told to do anything to a connection
    hostility   THE TABLE of what a service and a network can do, each with its outcome
    numbers     an answer of /metrics as numbers
    inside      the exporter inside the test's own process, with a clock that is set by hand
    outside     the exporter as a process of its own
"""
