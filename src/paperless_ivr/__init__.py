"""Switches callers with a telephone keypad to paperless billing, on any IVR runtime.

What adapters and hosts need most is imported from here, and loaded only when it is used; the
names stand in `__init__.pyi`. Everything else is reached by its module.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
