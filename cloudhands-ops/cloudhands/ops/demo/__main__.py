"""Makes ``python -m cloudhands.ops.demo`` the demonstration's command; `demo.sh` calls it."""

from cloudhands.ops.demo.main import main

raise SystemExit(main())
