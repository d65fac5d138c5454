"""Given names that stand for another, French and English. Written for this project; one line is one name.

A name may be short for several (`alex`), so a line is a group in which every name may stand for every other, and a
name may be on several lines.
"""

GROUPS = """
abigail abby gail
alexander alexandre alex alec sandy sacha
alexandra alex sandra sandy sacha
albert al bert bertie
alfred alfie fred
amanda mandy
andrew andy drew
andre dede
anne annie anna ann nancy
anthony tony
antoine toine tony
antoinette toinette
antonia toni
arthur art
barbara barb babs
bartholomew bart
benjamin ben benji benny
bernard bernie nanard
bertrand bert
bradley brad
brigitte gigi
caroline caro carrie
catherine cathy kate katie cath kathy
christelle chris
christian chris
christina chris tina christy
christine chris cricri christy
christophe chris tophe
christopher chris kit
claudine claude
clementine clem
clement clem
cynthia cindy
daniel dan danny
daniele dany
david dave davy
deborah deb debbie
denis deny
dominique dom
donald don donnie
dorothy dot dottie
dorothee doro
edward ed eddie ted ned
edouard ed eddy doudou
eleanor ellie nell nora
elisabeth elise babeth lisa
elizabeth liz lizzie beth betty eliza lisa elise
emmanuel manu
emmanuelle manue manu
emily em emmie
eugene gene
evelyn eve evie
fabrice fab
fabien fab
florence flo
florian flo
frances fran fanny
francis frank franck
francois francky fanfan
francoise fanfan soizic
frederic fred
frederick fred freddie
gabriel gab gabe
gabrielle gaby gab
genevieve ginette
gerald gerry
gerard gege
gilbert gil
gregory greg
gregoire greg
guillaume guigui will
gwenaelle gwen
gwendoline gwen
harold harry hal
helene lena
henry harry hank
isabella bella izzy
isabelle isa zabou
jacob jake
jacqueline jackie
jacques jacky jacquot
james jim jimmy jamie jem
jane jenny janie
janet jan
jennifer jen jenny
jessica jess jessie
joanna jo
joan jo joanie
john jack johnny jon
jonathan jon jonny
joseph joe joey jo
josephine josie jo
joshua josh
judith judy jude
julien ju
juliette julie
katherine kate kathy katie kay kat
kathleen kathy
kenneth ken kenny
kimberly kim
laurence larry laurie
lawrence larry
leonard len leo
leonie leo
lillian lily
louis lou loulou
louise lou louisette
lucas luke
lucien lulu
madeleine mado
magali mag
margaret maggie meg peggy marge greta
marguerite margot
marie manon mimi
martine titine
matthew matt
mathieu matt
maurice momo
maximilian max
maxime max
melanie mel
melissa mel
michael mike mick micky
michel mich michou
mireille mimi
mohamed mohammed mohammad muhammad mouhamed momo
monique nini
nathalie nath
nathan nate
nathaniel nate nat
nicholas nick nicky
nicolas nico
nicole nicky
oliver ollie
olivier oliv
pamela pam
pascal pasco
patricia pat patsy trish
patrick pat paddy
peter pete
philip phil
philippe phil
philomene philo
pierre pierrot
rachel rae
raphael raph
raymond ray
rebecca becky
remi remy
richard rick dick rich ricky
robert bob bobby rob robbie bert
roland roly
ronald ron ronnie
samantha sam
samuel sam sammy
sandrine sandra
sebastien seb
sebastian seb
solange soso
sophie so
stephane steph
stephanie steph
stephen steve steven
susan sue susie suzy
suzanne suzy suzie
sylvie syl
theodore theo ted teddy
theresa terry tess
therese theri
thierry titi
thomas tom tommy
timothy tim
valentin val
valentine val
valerie val
veronique vero
victor vic
victoria vicky tori
vincent vince
virginie nini virg
virginia ginny
walter walt
william bill billy will willy liam
xavier xav
yannick yann
yves yvon
zachary zach
"""


def nickname_groups() -> dict[str, frozenset[int]]:
    """The lines that each name is on."""
    lines = [line.split() for line in GROUPS.strip().splitlines()]
    found: dict[str, set[int]] = {}
    for number, names in enumerate(lines):
        for name in names:
            found.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}
