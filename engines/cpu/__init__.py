"""The engine for processors: compiled convolutions and pooling over maps, and the optimiser step."""
