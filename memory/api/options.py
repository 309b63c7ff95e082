"""What routes say of themselves to the middleware, in their `opt`."""

PUBLIC = "public"
"""`opt={PUBLIC: True}`: whoever reaches the server may call it, however often, or it passes the gate by itself."""

OPERATION = "operation"
"""`opt={OPERATION: …}`: as which operation it is measured; "other" if it does not say."""
