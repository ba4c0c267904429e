# What the pool's own books say of mail for which a relay node stopped a credential: of what is held, and of what had
# been sent with the same texts in the week before. A missing window reads as: nothing is known, and no rule speaks.

_cause: Optional[str] = JsonData(path="$.window.breaker.cause")
_confirmable: Optional[bool] = JsonData(path="$.window.breaker.confirmable")
_templates: Optional[int] = JsonData(path="$.window.breaker.templates")
_template_deliveries: Optional[int] = JsonData(path="$.window.breaker.template_deliveries")
_recipients: Optional[int] = JsonData(path="$.window.breaker.recipients")
_known_share: Optional[float] = JsonData(path="$.window.breaker.known_share")
_first_time_hard: Optional[int] = JsonData(path="$.window.breaker.first_time_hard")
_complainants: Optional[int] = JsonData(path="$.window.breaker.complainants")

BreakerCause = ResolveOptional(optional_value=_cause, default_value="none")
# The pause stands, and a breaker began it: what a person stopped, no rule judges.
BreakerPauseOpen = ResolveOptional(optional_value=_confirmable, default_value=False)
BreakerTemplates = ResolveOptional(optional_value=_templates, default_value=0)
# The least that any of these texts was delivered, a day before the pause or earlier.
BreakerTemplateDeliveries = ResolveOptional(optional_value=_template_deliveries, default_value=0)
BreakerRecipients = ResolveOptional(optional_value=_recipients, default_value=0)
BreakerKnownShare = ResolveOptional(optional_value=_known_share, default_value=0.0)
# Of the last 20 first contacts with these texts.
BreakerDead = ResolveOptional(optional_value=_first_time_hard, default_value=0)
BreakerComplainants = ResolveOptional(optional_value=_complainants, default_value=0)

BreakerStrangers = BreakerRecipients * (1 - BreakerKnownShare)
BreakerKnownShareShown = BreakerKnownShare * 1000 // 1 / 10
