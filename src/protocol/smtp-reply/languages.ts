import type { FineClass } from "./phrases.ts";

/** Stems of a kind, with `|` between them. */
type Phrases = Partial<Record<FineClass, string>>;

/** Stems that servers write in other languages, lower case. A stem counts wherever it stands. */
const LANGUAGES: Readonly<Record<string, Phrases>> = {
  german: {
    "mailbox-full":
      "postfach ist voll|postfach voll|postfach des empfängers ist voll|speicherplatz erschöpft|quota überschritten|speicherkontingent|mailbox ist voll|postfachs überschritten|postfachgröße",
    inactive:
      "konto ist deaktiviert|postfach ist deaktiviert|konto wurde deaktiviert|postfach wurde gesperrt|konto gesperrt|konto ist gesperrt|postfach ist gesperrt|nicht mehr aktiv|wurde stillgelegt|postfach ist inaktiv|inaktiv",
    "bad-domain":
      "domain existiert nicht|domäne existiert nicht|domäne des empfängers|domain wurde nicht gefunden|domain ist unbekannt|unbekannte domain|domäne wurde nicht gefunden|host nicht gefunden|unbekannter host",
    spam: "als spam|spamverdacht|spam-verdacht|unerwünschte werbung|unerwünscht",
    blocked:
      "ip-adresse ist gesperrt|ip-adresse gesperrt|sperrliste|schwarze liste|schwarzen liste|ip-adresse wurde",
    "too-large":
      "zu groß|zu gross|größe der nachricht|überschreitet die maximale|größenbeschränkung|nachrichtengröße",
    "rate-limited": "zu viele nachrichten|zu viele verbindungen|zu viele e-mails",
    "bad-mailbox":
      "empfänger unbekannt|unbekannter empfänger|adresse existiert nicht|e-mail-adresse wurde nicht gefunden|adresse nicht gefunden|adresse wurde nicht gefunden|empfänger nicht gefunden|empfänger wurde nicht gefunden|empfänger existiert nicht|benutzer unbekannt|unbekannter benutzer|benutzer existiert nicht|postfach existiert nicht|nicht vorhanden|nicht existier|konnte nicht gefunden werden|kein postfach|empfängername wird nicht erkannt|keine solche adresse|kein solcher benutzer|ist nicht bekannt|adresse ist ungültig|ungültige adresse|adresse ungültig|mailadresse ist nicht",
    expired:
      "zeit überschritten|übermittlungszeitraum|konnte nicht innerhalb|zustellung wurde aufgegeben|tagen nicht zugestellt|zeitlimit für die zustellung|zustellversuche",
    network:
      "verbindung wurde abgelehnt|zeitüberschreitung|keine verbindung|server ist nicht erreichbar|nicht erreichbar|server antwortet nicht|verbindung konnte nicht",
    policy:
      "nicht berechtigt|keine berechtigung|richtlinie|zugriff verweigert|wurde abgelehnt|annahme verweigert|abgelehnt",
    system: "vorübergehend|interner fehler|systemfehler|technischer fehler|später erneut",
  },
  french: {
    "mailbox-full":
      "boîte aux lettres est pleine|boite aux lettres est pleine|boîte aux lettres pleine|boite pleine|boîte pleine|quota dépassé|quota depasse|dépassé son quota|messagerie est pleine|boîte de réception est pleine|espace de stockage|est saturée|est pleine",
    inactive:
      "compte désactivé|compte est désactivé|compte inactif|compte suspendu|a été désactivé|n'est plus actif|adresse désactivée|compte fermé|boîte désactivée|a été fermé",
    "bad-domain":
      "domaine n'existe pas|domaine inconnu|domaine introuvable|domaine du destinataire|hôte inconnu|nom de domaine",
    spam: "indésirable|indesirable|comme spam|pourriel|du spam",
    blocked: "liste noire|adresse ip bloquée|adresse ip est bloquée|ip bloquee",
    "too-large": "trop volumineux|trop gros|trop grand|taille maximale|dépasse la taille|taille du message",
    "rate-limited": "trop de messages|trop de connexions|trop de mails",
    "bad-mailbox":
      "utilisateur inconnu|destinataire inconnu|adresse inconnue|adresse introuvable|n'a pas été trouvé|introuvable|n'existe pas|adresse d au moins un destinataire invalide|destinataire invalide|adresse invalide|adresse erronée|adresse n'est pas valide|boîte aux lettres inconnue|boite aux lettres inconnue|aucun utilisateur|compte inconnu|n'est pas reconnu",
    expired: "délai dépassé|délai d'envoi|délai de remise|n'a pas pu être remis depuis|a expiré",
    network:
      "connexion refusée|connexion impossible|serveur injoignable|ne répond pas|délai de connexion|impossible de joindre",
    policy: "n'êtes pas autorisé|pas autorisé|stratégie|politique|accès refusé|refusé",
    system: "temporairement|erreur interne|réessayer|erreur système",
  },
  spanish: {
    "mailbox-full":
      "buzón lleno|buzón está lleno|buzon lleno|bandeja de entrada está llena|cuota excedida|cuota superada|superado la cuota|excedido la cuota|excede la cuota|ha superado el límite de almacenamiento|buzón de correo está lleno|sin espacio|mail agotado|espacio agotado|está lleno",
    inactive:
      "cuenta deshabilitada|cuenta desactivada|cuenta inactiva|cuenta suspendida|cuenta está desactivada|cuenta está inhabilitada|ha sido desactivad|buzón deshabilitado|cuenta bloqueada|cuenta está suspendida|cuenta cancelada",
    "bad-domain":
      "dominio no existe|dominio desconocido|dominio no encontrado|dominio del destinatario|no se encontró el dominio|servidor desconocido",
    spam: "como spam|correo no deseado|no solicitado|correo basura",
    blocked: "lista negra|ip bloqueada|dirección ip está bloqueada|listas negras",
    "too-large": "demasiado grande|tamaño máximo|excede el tamaño|supera el tamaño|tamaño del mensaje",
    "rate-limited": "demasiados mensajes|demasiadas conexiones|demasiados correos",
    "bad-mailbox":
      "usuario desconocido|destinatario desconocido|usuario no existe|no existe|no se encontró|no se ha encontrado|no se encuentra|dirección no encontrada|dirección de correo no válida|destinatario no válido|destinatario inexistente|usuario inexistente|cuenta inexistente|dirección desconocida|dirección incorrecta|no es válida|usuario no encontrado|no se reconoce",
    expired:
      "tiempo de espera de entrega|ha caducado|ha expirado|plazo de entrega|no se pudo entregar durante|se agotó el tiempo",
    network:
      "conexión rechazada|no responde|no se pudo conectar|conexión agotado|no se puede conectar|tiempo de conexión",
    policy:
      "no está autorizado|permisos necesarios|no tiene permiso|directiva|política|acceso denegado|rechazado|rechazó",
    system: "temporalmente|error interno|inténtelo|error del sistema",
  },
  italian: {
    "mailbox-full":
      "casella piena|casella di posta è piena|casella postale piena|casella è piena|quota superata|superato la quota|spazio esaurito|spazio disponibile|è piena",
    inactive:
      "account disabilitato|casella disabilitata|account disattivato|casella disattivata|account sospeso|casella inattiva|account inattivo|casella sospesa|è stato disattivato|è stata disattivata|non più attiv",
    "bad-domain":
      "dominio inesistente|dominio non esiste|dominio sconosciuto|dominio non trovato|dominio del destinatario",
    spam: "come spam|posta indesiderata|indesiderat",
    blocked: "lista nera|ip bloccato|indirizzo ip è bloccato|blacklist",
    "too-large":
      "troppo grande|dimensione massima|supera la dimensione|dimensioni massime|dimensioni del messaggio",
    "rate-limited": "troppi messaggi|troppe connessioni",
    "bad-mailbox":
      "utente sconosciuto|destinatario sconosciuto|indirizzo sconosciuto|utente inesistente|indirizzo inesistente|casella inesistente|non esiste|non è stato trovato|non trovato|impossibile trovare|destinatario non valido|indirizzo non valido|indirizzo errato|destinatario inesistente|non è stato riconosciuto",
    expired: "tempo scaduto|è scaduto|tempo massimo|non è stato possibile consegnare",
    network:
      "connessione rifiutata|non risponde|impossibile connettersi|connessione scaduta|impossibile contattare",
    policy: "non autorizzato|non dispone dell'autorizzazione|criteri di|accesso negato|rifiutato|rifiuta",
    system: "temporaneamente|errore interno|riprovare|errore di sistema",
  },
  portuguese: {
    "mailbox-full":
      "caixa de correio cheia|caixa postal cheia|caixa cheia|caixa de entrada está cheia|caixa de correio está cheia|caixa está cheia|quota excedida|cota excedida|excedeu a cota|excedeu a quota|limite de armazenamento|está cheia",
    inactive:
      "conta desativada|conta inativa|conta suspensa|conta bloqueada|conta desabilitada|foi desativad|está desativad|usuário inativo|conta foi encerrada|caixa desativada",
    "bad-domain":
      "domínio não existe|domínio inexistente|domínio desconhecido|domínio não encontrado|domínio do destinatário",
    spam: "como spam|lixo eletrônico|não solicitad|indesejad",
    blocked: "lista negra|ip bloqueado|endereço ip está bloqueado",
    "too-large": "muito grande|tamanho máximo|excede o tamanho|demasiado grande|tamanho da mensagem",
    "rate-limited": "muitas mensagens|muitas conexões|demasiadas mensagens",
    "bad-mailbox":
      "usuário desconhecido|utilizador desconhecido|destinatário desconhecido|usuário inexistente|não existe|não foi encontrad|não encontrad|endereço inválido|destinatário inválido|endereço incorreto|conta inexistente|caixa postal inexistente|não foi possível encontrar|destinatário inexistente",
    expired: "tempo esgotado|expirou|prazo de entrega|não pôde ser entregue durante",
    network:
      "conexão recusada|ligação recusada|não responde|não foi possível conectar|não foi possível ligar",
    policy: "não está autorizado|não tem permissão|política|acesso negado|rejeitad|recusou|recusad",
    system: "temporariamente|erro interno|tente novamente|erro do sistema",
  },
  dutch: {
    "mailbox-full":
      "postvak is vol|mailbox is vol|postvak vol|mailbox zit vol|quotum overschreden|opslaglimiet|brievenbus is vol",
    inactive:
      "account is uitgeschakeld|postvak is uitgeschakeld|gedeactiveerd|account is geblokkeerd|niet meer actief|is opgeheven|account is gesloten",
    "bad-domain": "domein bestaat niet|onbekend domein|domein niet gevonden|domein van de ontvanger",
    spam: "als spam|ongewenste",
    blocked: "zwarte lijst|ip-adres is geblokkeerd",
    "too-large": "te groot|maximale grootte|berichtgrootte",
    "rate-limited": "te veel berichten|te veel verbindingen",
    "bad-mailbox":
      "onbekende gebruiker|gebruiker onbekend|ontvanger onbekend|onbekende ontvanger|adres bestaat niet|bestaat niet|niet gevonden|ongeldig adres|onbekend adres|niet bekend",
    expired: "bezorgtermijn|verlopen|niet bezorgd binnen",
    network: "verbinding geweigerd|reageert niet|geen verbinding|niet bereikbaar",
    policy: "niet gemachtigd|geen toestemming|beleid|toegang geweigerd|geweigerd",
    system: "tijdelijk|interne fout|probeer het later",
  },
  polish: {
    "mailbox-full":
      "skrzynka jest pełna|skrzynka pełna|skrzynka odbiorcy jest pełna|przepełnion|przekroczono limit miejsca|przekroczony limit|jest pełna",
    inactive:
      "konto nieaktywne|konto zostało zablokowane|konto zablokowane|konto wyłączone|konto jest nieaktywne|skrzynka zablokowana|konto zostało wyłączone|nieaktywn",
    "bad-domain": "domena nie istnieje|nieznana domena|nie znaleziono domeny",
    spam: "jako spam|niechcian",
    blocked: "czarnej liście|czarna lista|adres ip jest zablokowany|zablokowany adres ip",
    "too-large": "zbyt duż|za duż|przekracza maksymalny rozmiar",
    "rate-limited": "zbyt wiele wiadomości|zbyt wiele połączeń|zbyt dużo wiadomości",
    "bad-mailbox":
      "nieznany użytkownik|użytkownik nieznany|nieznany odbiorca|nie istnieje|nie znaleziono|nieprawidłowy adres|błędny adres|brak takiego|nie ma takiego",
    expired: "upłynął czas|nie dostarczono w ciągu|wygasł",
    network: "połączenie odrzucone|nie odpowiada|nie można połączyć|przekroczono czas",
    policy: "brak uprawnień|zasady|odmowa dostępu|odrzucon",
    system: "tymczasowo|błąd wewnętrzny|spróbuj ponownie",
  },
  russian: {
    "mailbox-full":
      "ящик переполнен|переполнен|превышена квота|квота превышена|превышен лимит|недостаточно места|ящик получателя заполнен|почтовый ящик заполнен",
    inactive:
      "ящик заблокирован|заблокирован|учетная запись отключена|учётная запись отключена|аккаунт отключ|ящик отключен|неактивен|не используется|ящик отключён|деактивир|приостановлен",
    "bad-domain": "домен не существует|неизвестный домен|домен не найден|нет такого домена",
    spam: "как спам|спам|нежелательн",
    blocked: "черный список|чёрный список|черном списке|чёрном списке|ваш ip|ip-адрес",
    "too-large": "слишком больш|превышает максимальный размер|размер письма|размер сообщения",
    "rate-limited": "слишком много писем|слишком много сообщений|слишком много соединений",
    "bad-mailbox":
      "неизвестный пользователь|пользователь не найден|нет такого пользователя|такого пользователя нет|не существует|несуществующ|не найден|неверный адрес|адрес получателя|получатель неизвестен|неизвестный получатель|ящик не существует|неправильный адрес",
    expired: "истек срок|истёк срок|не удалось доставить в течение|срок доставки",
    network: "соединение отклонено|не отвечает|не удалось подключиться|превышено время|недоступен",
    policy: "нет прав|политик|доступ запрещен|доступ запрещён|отклонен|отклонён|отвергнут",
    system: "временн|внутренняя ошибка|попробуйте",
  },
  japanese: {
    "mailbox-full":
      "メールボックスがいっぱい|容量を超え|容量が超過|容量超過|受信トレイがいっぱい|受信ボックスが一杯|メールボックスが一杯|クォータ|保存容量|空き容量",
    inactive: "アカウントは無効|利用停止|アカウントが停止|停止されて|無効になって|ご利用できない状態|凍結",
    "bad-domain":
      "ドメインが存在しません|ドメインが見つかりません|ドメインは存在しません|不明なドメイン|ホストが見つかりません",
    spam: "スパム|迷惑メール",
    blocked: "ブラックリスト|ipアドレスが拒否|ブロックリスト",
    "too-large": "大きすぎ|サイズ制限|サイズが上限|最大サイズ|サイズが大きい|メッセージサイズ",
    "rate-limited": "送信数の上限|接続数|送信が多すぎ",
    "bad-mailbox":
      "宛先不明|ユーザーが見つかりません|見つかりませんでした|アドレスが見つかりません|存在しません|存在しない|見つかりません|宛先が不明|不明なユーザー|アドレスが間違|該当するユーザ|アドレスに誤り|宛先アドレスが正しく",
    expired: "配送期限|期限切れ|時間内に配信|配信期間|再送期限",
    network: "接続できません|応答がありません|タイムアウト|接続が拒否",
    policy: "許可されていません|ポリシー|受信拒否|拒否されました|拒否",
    system: "一時的|内部エラー|システムエラー",
  },
  chinese: {
    "mailbox-full":
      "邮箱已满|邮箱空间不足|信箱已满|信箱已滿|郵箱已滿|收件箱已满|空间已满|超出配额|容量不足|邮箱容量|超過配額|邮箱满",
    inactive:
      "帐号被停用|账号被停用|帐户被禁用|账户已停用|账号已被禁用|帐号已被锁定|账户被禁用|账号被封|邮箱被禁用|已停用|冻结|已被注销|长期未登录",
    "bad-domain": "域名不存在|域不存在|找不到域名|網域不存在|无法解析域名|域名解析",
    spam: "垃圾邮件|垃圾郵件|垃圾信",
    blocked: "黑名单|黑名單|ip被拒绝|ip地址被",
    "too-large": "邮件太大|邮件过大|超过大小|郵件太大|大小超过|超出大小",
    "rate-limited": "发信频率|发送频率|过于频繁|频率限制|连接数",
    "bad-mailbox":
      "用户不存在|收件人不存在|地址不存在|不存在|找不到|无此用户|查無此人|使用者不存在|無此帳號|收件人地址|未知用户|地址有误|地址错误|無法辨識",
    expired: "超时未|过期|投递超时|多次尝试",
    network: "无法连接|连接超时|无响应|連線逾時|連線被拒|连接被拒绝",
    policy: "没有权限|策略|拒绝接收|被拒绝|拒收|拒绝",
    system: "暂时|内部错误|系统错误|稍后",
  },
  korean: {
    "mailbox-full": "메일함이 가득|편지함이 가득|용량 초과|용량이 초과|저장 공간",
    inactive: "휴면|비활성|사용 중지|정지된",
    "bad-domain": "도메인이 존재하지|도메인을 찾을 수",
    spam: "스팸",
    blocked: "차단된 ip|블랙리스트",
    "too-large": "크기 초과|너무 큽니다|용량이 너무",
    "bad-mailbox": "존재하지 않|찾을 수 없|없는 사용자|잘못된 주소|알 수 없는 사용자",
    network: "연결할 수 없|응답하지|연결 시간",
    policy: "권한이 없|정책|거부",
    system: "일시적|내부 오류",
  },
  swedish: {
    "mailbox-full": "inkorgen är full|brevlådan är full|postlådan är full|överskridit sin kvot|är full",
    inactive: "kontot är inaktiverat|kontot är avstängt|kontot är spärrat|inaktiverat|avstängt",
    "bad-domain": "domänen finns inte|okänd domän|hittade inte domänen|domänen hittades inte",
    spam: "som skräppost|skräppost|oönskad",
    blocked: "svartlist|ip-adressen är blockerad",
    "too-large": "för stort|maximal storlek|maxstorlek",
    "rate-limited": "för många meddelanden|för många anslutningar",
    "bad-mailbox":
      "okänd användare|okänd mottagare|användaren finns inte|adressen finns inte|finns inte|hittades inte|kunde inte hittas|ogiltig adress|hittar inte",
    expired: "tidsgräns|har gått ut|inte levereras inom",
    network: "anslutningen nekades|svarar inte|kunde inte ansluta",
    policy: "inte behörig|saknar behörighet|policy|åtkomst nekad|avvisades|nekades",
    system: "tillfälligt|internt fel|försök igen",
  },
  danishNorwegian: {
    "mailbox-full":
      "indbakken er fuld|postkassen er fuld|innboksen er full|postboksen er full|postkassen er full",
    inactive: "kontoen er deaktiveret|kontoen er deaktivert|kontoen er lukket|kontoen er sperret",
    "bad-domain": "domænet findes ikke|domenet finnes ikke|ukendt domæne|ukjent domene",
    "too-large": "for stor|for stort",
    "bad-mailbox":
      "ukendt bruger|ukjent bruker|findes ikke|finnes ikke|blev ikke fundet|ble ikke funnet|kunne ikke findes|kunne ikke finne|ukendt modtager|ukjent mottaker",
    policy: "ikke tilladelse|ikke tillatelse|afvist|avvist",
    system: "midlertidig",
  },
  finnish: {
    "mailbox-full": "postilaatikko on täynnä|on täynnä",
    inactive: "tili on poistettu käytöstä|on suljettu",
    "bad-domain": "toimialuetta ei",
    "too-large": "liian suuri",
    "bad-mailbox": "tuntematon käyttäjä|ei löytynyt|ei löydy|ei ole olemassa|vastaanottajaa ei",
    policy: "ei ole oikeutta|hylätty",
    system: "tilapäi",
  },
  czech: {
    "mailbox-full": "schránka je plná|schránka příjemce je plná|plná schránka|překročena kvóta|je plná",
    inactive:
      "účet je zablokován|schránka je zablokovaná|účet je neaktivní|schránka byla zrušena|účet byl zrušen|účet je deaktivován",
    "bad-domain": "doména neexistuje|neznámá doména|doména nebyla nalezena",
    spam: "jako spam|nevyžádan",
    blocked: "černé listině|ip adresa je blokována|černá listina",
    "too-large": "příliš velk|maximální velikost|překračuje velikost",
    "rate-limited": "příliš mnoho zpráv|příliš mnoho spojení",
    "bad-mailbox":
      "neznámý uživatel|uživatel neexistuje|neznámý příjemce|neexistuje|nebyl nalezen|nebyla nalezena|neplatná adresa|nenalezen",
    expired: "vypršel|nepodařilo doručit během",
    network: "spojení odmítnuto|neodpovídá|nelze se připojit",
    policy: "nemáte oprávnění|zásad|přístup odepřen|odmítnut",
    system: "dočasn|vnitřní chyba|interní chyba",
  },
  turkish: {
    "mailbox-full":
      "posta kutusu dolu|kutusu dolu|gelen kutusu dolu|kota aşıldı|kotası dolu|kotasını aştı|dolu",
    inactive: "hesap devre dışı|hesabı devre dışı|hesap askıya|hesap kapalı|devre dışı bırakıl|aktif değil",
    "bad-domain":
      "alan adı bulunamadı|alan adı yok|etki alanı bulunamadı|geçersiz alan adı|alan adı mevcut değil",
    spam: "spam olarak|istenmeyen",
    blocked: "kara liste|ip adresi engellen",
    "too-large": "çok büyük|boyut sınır|azami boyut",
    "rate-limited": "çok fazla ileti|çok fazla bağlantı|çok fazla mesaj",
    "bad-mailbox":
      "bilinmeyen kullanıcı|kullanıcı bulunamadı|bulunamadı|kullanıcı yok|mevcut değil|geçersiz adres|böyle bir kullanıcı|alıcı bilinmiyor|tanınmıyor",
    expired: "süresi doldu|zaman aşımına uğradı",
    network: "bağlantı reddedildi|yanıt vermiyor|bağlanılamadı|zaman aşımı",
    policy: "izniniz yok|ilkesi|erişim reddedildi|reddedildi",
    system: "geçici|iç hata|tekrar deneyin",
  },
  hungarianRomanian: {
    "mailbox-full": "postafiók megtelt|postaláda megtelt|betelt|cutia poștală este plină|este plină",
    "bad-mailbox":
      "ismeretlen felhasználó|nem létezik|nem található|utilizator necunoscut|nu există|nu a fost găsit",
    "too-large": "túl nagy|prea mare",
    policy: "elutasít|respins",
  },
};

/** The order in which kinds are asked: what is precise comes first. */
const ORDER: readonly FineClass[] = [
  "greylisted",
  "mailbox-full",
  "inactive",
  "too-large",
  "rate-limited",
  "blocked",
  "bad-domain",
  "spam",
  "bad-mailbox",
  "expired",
  "network",
  "policy",
  "system",
];

const TABLE = ORDER.map(
  (kind) => [kind, Object.values(LANGUAGES).flatMap((phrases) => phrases[kind]?.split("|") ?? [])] as const,
);

/** What words in another language than English say; the text in lower case. */
export function saidInOtherWords(words: string): FineClass | undefined {
  return TABLE.find(([, stems]) => stems.some((stem) => words.includes(stem)))?.[0];
}
