"""Every page is a folder here, with its routes, views, representation and templates."""
