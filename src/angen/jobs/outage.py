"""What a database raises that does not answer just now: to be tried again, not to be died of."""

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from angen.errors import OutOfSpace

OUTAGES = (DBAPIError, PoolTimeout, sqlite3.Error, OutOfSpace, OSError)
