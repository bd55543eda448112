# ruff: noqa: RUF001 - Cyrillic letters that look like Latin ones are meant
"""Every text of the assessors' page, in every language.

A text may hold placeholders in braces; the page fills them in.  Counts are worded so that no plural forms are needed.
"""

from __future__ import annotations

LANGUAGES = {"en": "English", "ru": "Русский"}

# key: (English, Russian)
MESSAGES: dict[str, tuple[str, str]] = {
    "title": ("Which grouping looks better?", "Какое разбиение лучше?"),
    "skip": ("Skip to the content", "Перейти к содержанию"),
    "language.name": ("English", "Русский"),
    "loading": ("One moment…", "Секунду…"),
    "noscript": (
        "This page needs JavaScript. Please switch it on and reload.",
        "Этой странице нужен JavaScript. Включите его и обновите страницу.",
    ),
    # the bar at the top
    "bar.progress": ("Progress", "Ход работы"),
    "bar.set": ("Set {number} of {quota}", "Набор {number} из {quota}"),
    "bar.practice": ("Practice", "Тренировка"),
    "bar.pair": ("pair {done} of about {expected}", "пара {done}, всего около {expected}"),
    "bar.last_step": ("last step", "последний шаг"),
    "bar.minutes": ("about {minutes} min", "около {minutes} мин"),
    "bar.soon": ("under 1 min", "меньше 1 мин"),
    "bar.settings": ("Settings", "Настройки"),
    "status.saved": ("Saved", "Сохранено"),
    "status.waiting": ("To send: {count}", "К отправке: {count}"),
    "status.offline": ("Offline, to send: {count}", "Нет сети, к отправке: {count}"),
    "status.offline_saved": ("Offline, saved", "Нет сети, сохранено"),
    "status.fragile": (
        "This browser cannot keep answers. Please leave this page open until they are sent.",
        "Этот браузер не может хранить ответы. Не закрывайте страницу, пока они не отправлены.",
    ),
    # welcome
    "welcome.title": ("You know it when you see it", "Это видно сразу"),
    "welcome.lead": (
        "You will see the same points twice, colored in two ways. Points of one color form one group. "
        "Tell us which picture groups the points the way you would do it by eye.",
        "Вы увидите одни и те же точки дважды, раскрашенные по-разному. Точки одного цвета составляют одну группу. "
        "Скажите, на какой картинке точки сгруппированы так, как это сделали бы вы на глаз.",
    ),
    "welcome.no_wrong": (
        "There are no wrong answers: we want to know what you see.",
        "Неправильных ответов нет: нам важно, что видите вы.",
    ),
    "welcome.colors": (
        "A color only tells groups apart. Hollow gray points belong to no group.",
        "Цвет лишь отличает одну группу от другой. Пустые серые точки не входят ни в одну группу.",
    ),
    "welcome.equal": (
        "Both equally good? Say so. Cannot tell? Skip the pair. Changed your mind? Undo.",
        "Обе одинаково хороши? Так и ответьте. Не можете решить? Пропустите пару. Передумали? Отмените ответ.",
    ),
    "welcome.saved": (
        "Every answer is saved at once. Pause whenever you like and go on here or on another device, by the same link.",
        "Каждый ответ сразу сохраняется. Прервитесь в любой момент и продолжите здесь или на другом устройстве "
        "по той же ссылке.",
    ),
    "welcome.practice": ("Start with a short practice", "Начать с короткой тренировки"),
    "ready.title": ("Set {number} of {quota}", "Набор {number} из {quota}"),
    "ready.text": (
        "About {expected} pairs, about {minutes} minutes. At the end you can adjust the whole order.",
        "Около {expected} пар, примерно {minutes} мин. В конце можно поправить весь порядок.",
    ),
    "ready.start": ("Start", "Начать"),
    # comparing
    "compare.title": ("Which grouping looks more natural?", "Какая группировка естественнее?"),
    "compare.left": ("Left", "Слева"),
    "compare.right": ("Right", "Справа"),
    "compare.top": ("Top", "Сверху"),
    "compare.bottom": ("Bottom", "Снизу"),
    "compare.picture": (
        "grouping of {points} points, drawn as colored dots",
        "группировка {points} точек, показанных цветными кружками",
    ),
    "compare.groups": ("groups: {count}", "групп: {count}"),
    "compare.left_better": ("Left is better", "Слева лучше"),
    "compare.right_better": ("Right is better", "Справа лучше"),
    "compare.top_better": ("Top is better", "Сверху лучше"),
    "compare.bottom_better": ("Bottom is better", "Снизу лучше"),
    "compare.tie": ("Equal", "Одинаково"),
    "compare.skip": ("Cannot tell", "Не могу решить"),
    "compare.undo": ("Undo", "Отменить"),
    "compare.pause": ("Pause", "Пауза"),
    "compare.decline": ("I cannot judge these", "Не берусь судить"),
    "compare.answers": ("Your answer", "Ваш ответ"),
    "compare.announce": ("Pair {done} of about {expected}.", "Пара {done}, всего около {expected}."),
    "compare.undone": ("Taken back.", "Ответ отменён."),
    # practice
    "practice.agree": ("We see it the same way", "Мы видим так же"),
    "practice.differ": ("We see it differently", "Мы видим иначе"),
    "practice.skipped": ("That is fine, too", "Так тоже можно"),
    "practice.left": (
        "Here the left one is better: its groups follow the points more closely.",
        "Здесь лучше левая: её группы точнее повторяют расположение точек.",
    ),
    "practice.right": (
        "Here the right one is better: its groups follow the points more closely.",
        "Здесь лучше правая: её группы точнее повторяют расположение точек.",
    ),
    "practice.top": (
        "Here the top one is better: its groups follow the points more closely.",
        "Здесь лучше верхняя: её группы точнее повторяют расположение точек.",
    ),
    "practice.bottom": (
        "Here the bottom one is better: its groups follow the points more closely.",
        "Здесь лучше нижняя: её группы точнее повторяют расположение точек.",
    ),
    "practice.tie": ("Here both are equally good.", "Здесь обе одинаково хороши."),
    "practice.leave": ("Skip the practice", "Пропустить тренировку"),
    "practice.continue": ("Continue", "Дальше"),
    # the last screen of a set
    "arrange.title": ("Is this your order?", "Порядок верный?"),
    "arrange.text": (
        "Best first, made from your answers. Move what looks out of place, then confirm.",
        "Лучшие в начале, порядок составлен по вашим ответам. Передвиньте то, что стоит не на месте, и подтвердите.",
    ),
    "arrange.hint": (
        "Drag a picture, or choose it and use the buttons or the Up and Down keys.",
        "Перетащите картинку или выберите её и нажимайте кнопки либо клавиши «вверх» и «вниз».",
    ),
    "arrange.hint_touch": (
        "Drag a picture by its dots, or tap it and use the buttons.",
        "Перетащите картинку за точки справа или коснитесь её и нажимайте кнопки.",
    ),
    "arrange.list": ("Your order, best first", "Ваш порядок, лучшие в начале"),
    "arrange.best": ("Best", "Лучшая"),
    "arrange.worst": ("Worst", "Худшая"),
    "arrange.equal": ("equal", "равны"),
    "arrange.card": ("Grouping {name}, place {place} of {places}", "Группировка {name}, место {place} из {places}"),
    "arrange.card_tied": (
        "Grouping {name}, place {place} of {places}, equal to others",
        "Группировка {name}, место {place} из {places}, наравне с другими",
    ),
    "arrange.grip": ("Drag to move", "Перетащить"),
    "arrange.tools": ("Move the chosen picture", "Передвинуть выбранную картинку"),
    "arrange.up": ("Better", "Лучше"),
    "arrange.down": ("Worse", "Хуже"),
    "arrange.join": ("Equal to previous", "Равна предыдущей"),
    "arrange.split": ("Not equal", "Не равны"),
    "arrange.back": ("Undo last answer", "Отменить ответ"),
    "arrange.confirm": ("Confirm this order", "Подтвердить порядок"),
    "arrange.restore": ("Start over", "Вернуть как было"),
    # between sets
    "done.title": ("Thank you!", "Спасибо!"),
    "done.text": ("Set {number} of {quota} is finished.", "Набор {number} из {quota} завершён."),
    "done.declined": ("Set {number} of {quota} is left out.", "Набор {number} из {quota} пропущен."),
    "done.left": ("About {minutes} minutes for all that is left.", "На всё оставшееся — около {minutes} мин."),
    "done.practice": (
        "That was the practice. From now on only your own eye counts.",
        "Тренировка закончена. Дальше важен только ваш взгляд.",
    ),
    "done.next": ("Go on", "Продолжить"),
    "all.title": ("All done. Thank you!", "Всё готово. Спасибо!"),
    "all.text": (
        "Every answer has arrived. You may close this page.",
        "Все ответы получены. Страницу можно закрыть.",
    ),
    "all.sending": (
        "The last answers are still being sent. Please keep this page open.",
        "Последние ответы ещё отправляются. Пожалуйста, не закрывайте страницу.",
    ),
    # pauses and trouble
    "pause.title": ("Take your time", "Не торопитесь"),
    "pause.text": (
        "Everything is kept. Go on here, or open the same link on any other device.",
        "Всё сохранено. Продолжите здесь или откройте ту же ссылку на другом устройстве.",
    ),
    "pause.waiting": (
        "Some answers are still waiting to be sent from this device. Go on here, or wait until they are saved.",
        "Часть ответов ещё не отправлена с этого устройства. Продолжайте здесь или дождитесь, пока они сохранятся.",
    ),
    "pause.resume": ("Go on", "Продолжить"),
    "wait.title": ("Waiting for a connection", "Ждём соединения"),
    "wait.text": (
        "Your answers are kept on this device. The page goes on by itself when you are online again.",
        "Ваши ответы хранятся на этом устройстве. Страница продолжит сама, когда появится сеть.",
    ),
    "wait.retry": ("Try now", "Попробовать сейчас"),
    "over.title": ("This link no longer lets you in", "Эта ссылка больше не действует"),
    "over.text": (
        "It has expired or was withdrawn. Please ask the person who invited you for a new one.",
        "Срок её действия истёк, или её отозвали. Попросите новую у того, кто вас пригласил.",
    ),
    "over.waiting": (
        "Answers kept on this device: {count}. They are sent when you open a valid link here.",
        "Ответов на этом устройстве: {count}. Они отправятся, когда вы откроете здесь действующую ссылку.",
    ),
    "trouble.title": ("Something went wrong", "Что-то пошло не так"),
    "trouble.text": (
        "Your answers are safe. Please reload the page; if this happens again, tell the person who invited you.",
        "Ваши ответы в сохранности. Обновите страницу; если это повторится, сообщите тому, кто вас пригласил.",
    ),
    "trouble.reload": ("Reload", "Обновить"),
    "conflict": (
        "You went on in another window or on another device. We continue from there.",
        "Вы продолжили в другом окне или на другом устройстве. Продолжаем оттуда.",
    ),
    "dismiss": ("Close", "Закрыть"),
    # dialogs
    "decline.title": ("Leave this set out?", "Пропустить этот набор?"),
    "decline.text": (
        "If nothing here can be told apart, leave the whole set out. This cannot be undone.",
        "Если здесь совсем ничего не различить, пропустите весь набор. Отменить это нельзя.",
    ),
    "decline.yes": ("Leave it out", "Пропустить"),
    "decline.no": ("Go on with it", "Продолжить с ним"),
    "settings.title": ("Settings", "Настройки"),
    "settings.language": ("Language", "Язык"),
    "settings.groups": ("Show the number of groups", "Показывать число групп"),
    "settings.keys": ("Answer with single keys", "Отвечать одиночными клавишами"),
    "settings.keys_list": (
        "← left, → right, ↓ or = equal, S cannot tell, U or Backspace undo, P pause",
        "← слева, → справа, ↓ или = одинаково, S не могу решить, U или Backspace отменить, P пауза",
    ),
    "settings.close": ("Done", "Готово"),
    # pages without a session
    "notice.home.title": ("By invitation", "По приглашению"),
    "notice.home.text": (
        "Please open the link that you were sent. It brings you straight to where you left off.",
        "Откройте ссылку, которую вам прислали. Она приведёт туда, где вы остановились.",
    ),
    "notice.invalid.title": ("This link does not work", "Эта ссылка не работает"),
    "notice.invalid.text": (
        "It may have been cut off. Please copy the whole link from your invitation, or ask for a new one.",
        "Возможно, она скопирована не полностью. Скопируйте ссылку из приглашения целиком или попросите новую.",
    ),
    "notice.expired.title": ("This link has expired", "Срок действия ссылки истёк"),
    "notice.expired.text": (
        "Please ask the person who invited you for a new one. Your answers are kept.",
        "Попросите новую у того, кто вас пригласил. Ваши ответы сохранены.",
    ),
    "notice.revoked.title": ("This link was withdrawn", "Эта ссылка отозвана"),
    "notice.revoked.text": (
        "Please ask the person who invited you. Your answers are kept.",
        "Обратитесь к тому, кто вас пригласил. Ваши ответы сохранены.",
    ),
    "notice.error.title": ("Something went wrong", "Что-то пошло не так"),
    "notice.error.text": (
        "Please try again in a moment. Your answers are kept.",
        "Попробуйте ещё раз чуть позже. Ваши ответы сохранены.",
    ),
}


def texts(language: str) -> dict[str, str]:
    """Every text in one of LANGUAGES, by key."""
    column = list(LANGUAGES).index(language)
    return {key: both[column] for key, both in MESSAGES.items()}
