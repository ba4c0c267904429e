# In shadow (shadow.json): a warning that would come sooner. What it would have done is recorded beside what was done, so that
# members see what a stricter line costs before they choose it; nothing follows from it.

Import(
  rules=[
    "models/action.sml",
    "models/bounces.sml",
    "models/incident.sml",
    "models/member.sml",
    "models/smtp.sml",
    "settings.sml",
  ],
)

_early_certainty = BounceEarlyCertainty * 100

BounceEarlyWarning = Rule(
  when_all=[
    ActionName == "recipient_bounced",
    SmtpClass in BouncesThatCount,
    IncidentActive == False,
    BounceOver5 >= BounceEarlyCertainty,
    BounceRecipients >= BounceWarningRecipients,
  ],
  description=f"{BounceHard} of the last {BounceEligible} recipients do not exist ({BounceRateShown} %), {BounceRecipients} different ones. That more than 5 % of your recipients do not exist is {BounceOver5Shown} % certain; an early warning would need {_early_certainty} %.",
)

WhenRules(rules_any=[BounceEarlyWarning], then=[LabelAdd(entity=Member, label="bounce-warning")])
