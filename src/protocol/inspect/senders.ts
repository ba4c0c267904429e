type Named = readonly { vendor: string; pattern: RegExp }[];

/** Local parts and names under which servers write; tried on `From` in lower case. */
export const DAEMONS: Named = [
  { vendor: "rfc 5321", pattern: /mailer[-_. ]?daemon|post[-_]?master|mail ?daemon/ },
  {
    vendor: "generic",
    pattern:
      /mail (?:delivery|administrator|system|router)|maildelivery|delivery (?:subsystem|system|service|notification)|mail ?serv(?:er|ice)|mail-?error|bounce/,
  },
  {
    vendor: "exchange",
    pattern:
      /system administrator|microsoft (?:exchange|outlook)|systemadministrator|systemadmin|administrateur système|administrador del sistema|amministratore di sistema/,
  },
  { vendor: "groupwise", pattern: /groupwise|gwia/ },
  { vendor: "notes", pattern: /(?:lotus )?(?:notes|domino)\b.*router|mail router/ },
  {
    vendor: "others",
    pattern:
      /symantec|messagelabs|mimecast|barracuda|mdaemon|ezweb|no-?reply.*(?:zoho|mail)|internet mail delivery|smtp|antispam|mfilter|surfcontrol|^"?admin/,
  },
];

/** Subjects of bounces, in lower case. */
export const SUBJECTS: Named = [
  {
    vendor: "generic",
    pattern:
      /undeliver(?:able|ed)|non[- ]?deliver|delivery (?:status|failure|failed|report|problem|error|notification|has failed|delayed|incomplete)|deliver(?:y|ing) .{0,40}fail|mail delivery|fail(?:ed|ure)(?: notice| mail| delivery| message| \()|returned (?:e?mail|message|to sender)|mail (?:error|failure|failed|could not|not deliver|system error|undeliver)|message (?:not delivered|could not be|delivery|undeliver|you sent|rejected|status|delayed)|(?:cannot|could not|unable to|can't|not) (?:be )?(?:send|deliver|reach)|user unknown|unknown user|warning: (?:message|could not)|address not found|rejected:|permanent delivery|mailbox full|recipient (?:not|unknown)|returning (?:mail|message)|bounce|failure notice|delayed mail|message blocked|warning - delayed|email delivery|notification d'état|mail receiving error|mail status report|\bdsn\b|problems? (?:delivering|with your)|not read:.{0,1}undel/,
  },
  {
    vendor: "german",
    pattern:
      /unzustellbar|nicht zugestellt|nicht zustellbar|zustellung.{0,30}(?:fehlgeschlagen|fehler|verzöger)|zustellungsfehler|zustellbarkeit|fehler bei der zustellung|rücksendung|rückläufer|konnte nicht/,
  },
  {
    vendor: "french",
    pattern:
      /non remis|non[- ]distribu|échec (?:de|d')|echec (?:de|d')|retourné|état de la distribution|remise.{0,20}échou|ne peut (?:pas )?être remis/,
  },
  {
    vendor: "spanish",
    pattern:
      /no se (?:puede|pudo|ha podido) entregar|no entregado|error de entrega|devuelto|fallo (?:de|en la) entrega|correo devuelto|notificación de (?:estado|error)|estado de la entrega/,
  },
  {
    vendor: "italian",
    pattern:
      /non recapit|mancato recapito|mancata consegna|impossibile recapitare|stato del recapito|notifica.{0,30}(?:recapito|consegna)|non consegnat|errore di consegna/,
  },
  {
    vendor: "portuguese",
    pattern:
      /não (?:foi )?(?:entregue|entregável)|não pôde ser entregue|falha (?:na|de|no) (?:entrega|envio)|devolvid|status da entrega|notificação de (?:entrega|falha|status)|mensagem não entregue|não é possível entregar/,
  },
  {
    vendor: "dutch",
    pattern:
      /onbestelbaar|niet (?:worden )?(?:bezorgd|afgeleverd)|bezorging.{0,20}mislukt|aflevering.{0,20}mislukt|status van bezorging/,
  },
  {
    vendor: "polish",
    pattern:
      /niedostarcz|nie (?:można|udało się) dostarczyć|niepowodzenie|nie dostarczono|zwrot wiadomości|stan dostarcz/,
  },
  {
    vendor: "russian",
    pattern:
      /не доставлен|недоставлен|не удалось доставить|невозможно доставить|недоставка|доставк|возврат|возвращен/,
  },
  {
    vendor: "japanese",
    pattern:
      /配信不能|配信できません|配信エラー|送信できません|送信エラー|配達できません|配信状|メールエラー|未送達|届けられません|配信に失敗|配信失敗|送信失敗/,
  },
  {
    vendor: "chinese",
    pattern:
      /退信|退件|无法投递|未送达|無法傳遞|無法傳送|投递失败|未傳遞|无法送达|无法传递|系统退信|传递失败|发送失败|无法发送/,
  },
  { vendor: "korean", pattern: /반송|배달되지|배달 실패|전달되지|전송 실패/ },
  {
    vendor: "swedish, danish, norwegian, finnish",
    pattern:
      /kunde inte levereras|gick inte att leverera|olevererbar|kan ikke leveres|kunne ikke leveres|uleverbar|ikke levert|ikke leveret|ei voitu toimittaa|ei voida toimittaa|leveransfel|inte levererats/,
  },
  {
    vendor: "czech",
    pattern: /nedoručiteln|nelze doručit|nedoručen|nebylo možné doručit|chyba doručení|nepodařilo doručit/,
  },
  { vendor: "turkish", pattern: /teslim edilemedi|iletilemedi|teslim edilemeyen|gönderilemedi|teslimat/ },
  { vendor: "hungarian, romanian", pattern: /kézbesíthetetlen|nem kézbesít|nelivrat|imposibil de livrat/ },
];

/** Sentences that a server begins its notice with, in lower case, whoever it writes as. */
export const OPENINGS: Named = [
  {
    vendor: "qmail",
    pattern:
      /hi\. this is the .{0,80}program|i(?:'m| am) afraid i wasn't able to deliver your message|i wasn't able to deliver|message from .{0,80}\.\s*i'm afraid/,
  },
  { vendor: "postfix", pattern: /this is the (?:postfix program|mail system) at host/ },
  {
    vendor: "exim",
    pattern: /this message was created automatically by (?:the )?mail (?:delivery|transport|transfer)/,
  },
  {
    vendor: "sendmail",
    pattern:
      /-{3,} ?(?:the following addresses had|transcript of session|unsent message|delivery notification)|the original message was received at/,
  },
  {
    vendor: "exchange",
    pattern:
      /did not reach the following recipient|delivery has failed to these recipients|the following recipient\(s\) (?:could not|cannot) be reached|your message (?:to .{1,200} )?(?:couldn't|wasn't able to|could not) be delivered|delivery to the following (?:recipients?|addresses) failed|diese nachricht wurde (?:automatisch )?(?:vom|von)|die folgenden? empfänger|diagnostic information for administrators/,
  },
  {
    vendor: "gmail",
    pattern:
      /delivery to the following recipient|address not found|your message wasn't delivered to|message not delivered|message blocked/,
  },
  { vendor: "courier", pattern: /this is a delivery status notification from|undeliverable mail/ },
  { vendor: "notes", pattern: /delivery failure report|your document:/ },
  {
    vendor: "groupwise",
    pattern:
      /the (?:message|attached file) (?:that you sent was undeliverable|you sent was undeliverable)|the attached message could not be/,
  },
  {
    vendor: "yahoo",
    pattern:
      /message from\s+yahoo|unable to deliver message to the following address|sorry, we were unable to deliver your message/,
  },
  {
    vendor: "imail, mdaemon, mercury",
    pattern:
      /unknown user:|undeliverable to|invalid final delivery|user mailbox exceeds allowed size|delivery failed \d+ attempts|the attached message had permanent fatal delivery errors|this message has undeliverable/,
  },
  {
    vendor: "generic",
    pattern:
      /(?:could not|cannot|can't|couldn't|was not|wasn't|were not|unable to|not able to|failed to|has not) (?:be )?(?:successfully )?(?:delivered|deliver|reach)|delivery (?:attempt )?(?:failed|failure)|(?:un|non-?)deliver(?:able|ed)|(?:message|mail|e-mail) (?:was |has been |is )?(?:rejected|returned|bounced|undeliverable)|returned to (?:the )?sender|error message below|permanent (?:fatal )?(?:errors?|failure)|does not exist|user unknown|unknown user|no such user|mailbox (?:is )?full/,
  },
];

export const matches = (table: Named, text: string): boolean =>
  table.some(({ pattern }) => pattern.test(text));
