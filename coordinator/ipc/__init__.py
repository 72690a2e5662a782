"""How clients and the coordinator talk: frames on a Unix socket."""
