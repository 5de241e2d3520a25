"""`python -m xdrkit` is the command `xdr`."""

from __future__ import annotations

import sys

from ._cli import main

sys.argv[0] = "xdr"
sys.exit(main())
