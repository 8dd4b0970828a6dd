"""Switches callers with a telephone keypad to paperless billing, on any IVR runtime.

Import the names that adapters and hosts need most from here; each is loaded when first used.
They are listed in `__init__.pyi`. Import everything else from its module.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
