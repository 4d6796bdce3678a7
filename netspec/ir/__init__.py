"""The intermediate representation: a network as a program of ops, with values on its edges."""

from netspec.ir.program import Kind, Layer, Node, Program, Region, Value

__all__ = ["Kind", "Layer", "Node", "Program", "Region", "Value"]
