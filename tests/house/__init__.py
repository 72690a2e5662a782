"""The rules of the house as tests. Each is also shown a planted violation that it must find."""
