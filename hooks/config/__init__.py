"""From the bytes of `bough.yml` to values: sources, YAML, schema, merging, checks.

Empty of imports: PyYAML and pydantic are paid for by whoever really reads a file.
"""
