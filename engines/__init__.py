"""How a network is executed. An engine knows graphs of layers, and no space.

`graph` says what a network computes; an engine (`base`) is one way to compute it: `reference` by PyTorch's operations,
`cpu` by compiled loops. `choice` gives a graph to the first engine that accepts it.
"""
