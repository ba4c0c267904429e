# A provider that refuses people whom it knows, at several members at once: its bounces are nobody's.

_active: Optional[bool] = JsonData(path="$.window.incident.active")

IncidentActive = ResolveOptional(optional_value=_active, default_value=False)
