"""Speed of training and scoring, side by side with another implementation and with plain PyTorch."""
