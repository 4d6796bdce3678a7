"""Files of tensors: what one holds, read and written tensor by tensor. Knows no network.

Formats that belong to a framework are in its backend; :mod:`netspec.weights.storage.safetensors` belongs to
none.
"""
