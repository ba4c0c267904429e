# Mail to addresses that do not exist. Blocks and policy refusals do not count against a member, and neither does what a
# provider refuses at several members at once.

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

_warning_certainty = BounceWarningCertainty * 100
_probation_certainty = BounceProbationCertainty * 100

BounceWarning = Rule(
  when_all=[
    ActionName == "recipient_bounced",
    SmtpClass in BouncesThatCount,
    IncidentActive == False,
    BounceOver5 >= BounceWarningCertainty,
    BounceRecipients >= BounceWarningRecipients,
  ],
  description=f"{BounceHard} of the last {BounceEligible} recipients do not exist ({BounceRateShown} %), {BounceRecipients} different ones. That more than 5 % of your recipients do not exist is {BounceOver5Shown} % certain; a warning needs {_warning_certainty} % and {BounceWarningRecipients} different recipients. {BounceFirstContacts} of them were first contacts with a text that you have long sent, which strangers can bring about in a sign-up form.",
)

BounceProbation = Rule(
  when_all=[
    ActionName == "recipient_bounced",
    SmtpClass in BouncesThatCount,
    IncidentActive == False,
    BounceOver10 >= BounceProbationCertainty,
    BounceRecipients >= BounceProbationRecipients,
  ],
  description=f"{BounceHard} of the last {BounceEligible} recipients do not exist ({BounceRateShown} %), {BounceRecipients} different ones. That more than 10 % of your recipients do not exist is {BounceOver10Shown} % certain; probation needs {_probation_certainty} % and {BounceProbationRecipients} different recipients. {BounceFirstContacts} of them were first contacts with a text that you have long sent, which strangers can bring about in a sign-up form.",
)

WhenRules(rules_any=[BounceWarning], then=[LabelAdd(entity=Member, label="bounce-warning")])
WhenRules(rules_any=[BounceProbation], then=[LabelAdd(entity=Member, label="bounce-probation")])
