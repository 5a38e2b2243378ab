"""How a network is executed. An engine knows graphs of layers, and no space."""
