"""Enrolls callers in paperless billing by telephone keypad, on any IVR runtime.

The names that adapters and hosts use most can be imported from here. They are listed in
`__init__.pyi`, and each one is loaded on first use. Import everything else from its own module.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
