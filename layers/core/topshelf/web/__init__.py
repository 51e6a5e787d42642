"""HTTP: problem documents and the applications. The one place here that imports FastAPI."""

from topshelf.web.deferred import import_fastapi

import_fastapi()
