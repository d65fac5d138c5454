"""The HTTP faces of the world: CRM, shop, e-mail platform inbox, and the control desk of tests and demo."""
