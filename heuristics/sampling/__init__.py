"""The factor `sampling`, which paths a step trains: one module per heuristic."""
