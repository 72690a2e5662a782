"""The job engine: records, store, logs, processes, queue, IPC. It knows nothing of YAML or git."""
