"""The whole operator as one TensorFlow graph, and the files that other runtimes read."""
