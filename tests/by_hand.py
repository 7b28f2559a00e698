"""What a test alters behind the product's back: whoever has the database server can."""

from sqlalchemy import text

from core.postgres import OWNER

BY_HAND = text(f"SELECT set_config('role', '{OWNER}', true), set_config('session_replication_role', 'replica', true)")
"""The rest of this transaction is the owner's, and no trigger sees it."""
AS_OWNER = text(f"SELECT set_config('role', '{OWNER}', true)")
"""The rest of this transaction is the owner's; triggers see it."""
