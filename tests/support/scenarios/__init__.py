"""Scenarios: end-to-end stories in YAML, run as tests. `scenarios/README.md` lists their keys.

`reading` turns YAML nodes into values and says where they are wrong; `schema` holds the values;
`loading` knows the keys; `world` is the sandbox with its repository; `actions` do what a step says;
`killing` and `rows` are the actions that reach into bough's state; `expectations` compare; `report`
says what was seen; `playing` puts it together; `plugin` is what pytest sees.
"""
