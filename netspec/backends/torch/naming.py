"""What PyTorch asks of names: layers are attributes of modules, beside those that modules have."""

from __future__ import annotations

from netspec.backends.names import Naming

NAMING = Naming(
    "PyTorch",
    # Attributes of torch.nn.Module and Sequential, which a child of this name would hide.
    reserved=frozenset(
        [
            "T_destination",
            "add_module",
            "append",
            "apply",
            "bfloat16",
            "bool",
            "buffers",
            "call_super_init",
            "children",
            "compile",
            "cpu",
            "cuda",
            "double",
            "dump_patches",
            "eval",
            "extend",
            "extra_repr",
            "float",
            "forward",
            "get_buffer",
            "get_extra_state",
            "get_parameter",
            "get_submodule",
            "half",
            "insert",
            "ipu",
            "load_state_dict",
            "modules",
            "mtia",
            "named_buffers",
            "named_children",
            "named_modules",
            "named_parameters",
            "parameters",
            "pop",
            "register_backward_hook",
            "register_buffer",
            "register_forward_hook",
            "register_forward_pre_hook",
            "register_full_backward_hook",
            "register_full_backward_pre_hook",
            "register_load_state_dict_post_hook",
            "register_load_state_dict_pre_hook",
            "register_module",
            "register_parameter",
            "register_state_dict_post_hook",
            "register_state_dict_pre_hook",
            "requires_grad_",
            "set_extra_state",
            "set_submodule",
            "share_memory",
            "state_dict",
            "to",
            "to_empty",
            "train",
            "training",
            "type",
            "xpu",
            "zero_grad",
        ]
    ),
    words=frozenset(("self", "torch", "nn", "F", "Tensor")),
)

HANDLES = frozenset(
    [
        *("num_classes", "num_features", "in_channels", "in_chans", "feature_info"),
        *("forward_features", "forward_head", "forward_intermediates"),
        *("get_classifier", "reset_classifier"),
    ]
)
"""What no layer may be called where there are handles."""
