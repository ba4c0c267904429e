# Every number that a rule compares with. A change here is a decision of the members.

# Bounces that count against a member: nobody is there. Blocks and policy refusals are the pool's affair.
BouncesThatCount: ExtractLiteral[List[str]] = ["bad-domain", "bad-mailbox"]

# Bounce warning: how sure we are that more than 5 % of the recipients do not exist, and how many of them there are.
BounceWarningCertainty: ExtractLiteral[float] = 0.99
BounceWarningRecipients: ExtractLiteral[int] = 5

# Bounce probation: the same for more than 10 %.
BounceProbationCertainty: ExtractLiteral[float] = 0.95
BounceProbationRecipients: ExtractLiteral[int] = 10
