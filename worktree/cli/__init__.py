"""The command line: where everything is put together, and the only place that prints."""
