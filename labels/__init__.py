"""Labels for HDR pictures that have no SDR partner: the best of a family of operators."""
