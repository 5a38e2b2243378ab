"""Which images a laptop trains on: studies that were fixed beforehand, and the rule that decides by them."""
