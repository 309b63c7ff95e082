"""What routes say of themselves to the middleware, in their `opt`."""

PUBLIC = "public"
"""`opt={PUBLIC: True}`: whoever reaches the server may call it, however often, or it passes the gate by itself."""

LASTING = "lasting"
"""`opt={LASTING: True}`: it may stay open for hours, so it takes no request's place; its own limit holds."""

OPERATION = "operation"
"""`opt={OPERATION: …}`: as which operation it is measured; "other" if it does not say."""
