"""Picture files, data sets and what stands between them and the network."""
