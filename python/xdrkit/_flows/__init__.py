"""What needs several requests: one module a resource, one function a method.

A public function `verb(client, …)` in the module `resource` becomes `client.resource.verb(…)` in both clients:
tools/generate.py writes the methods, with this signature and this docstring. `client` is the resource of either client;
it has `_core` and `_policy`. A function that is annotated ``-> Flow[T]`` becomes a method that answers T, ``-> Stream[T]``
an iterator. A function of an operation's name takes that operation's place.
"""
