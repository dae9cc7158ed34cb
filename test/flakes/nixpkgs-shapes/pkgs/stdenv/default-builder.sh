# Nothing here is built.
