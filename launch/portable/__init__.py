"""Networks, weights and the training step as files for other runtimes. Nothing trains here."""
