"""What a reminder may not say is found however it is written, and a kind text is left alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.whatsapp.templates import MessageTemplate, read_templates
from flows.decency import Finding, findings
from flows.decency_words import refused_words
from tests.tables import table

FLOWS = Path(__file__).resolve().parent.parent / "flows"
WHO = ("its_me", "not_me")
HOUSE = "Escola Justiça e Paz"


def shipped() -> list[MessageTemplate]:
    """The templates that come with the program."""
    read = read_templates((FLOWS / "templates" / "padrao.yaml").read_bytes(), name="padrao.yaml")
    assert not isinstance(read, tuple)
    return list(read.values())


def seen(body: str, *, category: str = "UTILITY", creditor: str = "", first: bool = False) -> tuple[Finding, ...]:
    """The findings in a body whose one example is Ana."""
    return findings(
        body,
        examples={"nome": "Ana"},
        category=category,
        creditor=creditor,
        name="confirme_quem_e" if first else "lembrete",
        buttons=WHO if first else ("pay",),
    )


@pytest.mark.parametrize(
    *table("""
    body                                                           | code         | quoted
    Seu nome vai para o SPC.                                       | threat       | SPC
    Seu nome vai para o S.P.C. amanhã.                             | threat       | S.P.C
    Seu nome vai para o s e r a s a.                               | threat       | s e r a s a
    Evite o *Serasa*, {{nome}}.                                    | threat       | Serasa
    Evite a SE-RA-SA.                                              | threat       | SE-RA-SA
    Consultamos o Serasajud.                                       | threat       | Serasajud
    Vai se ver com a gente.                                        | threat       | se ver com a gente
    Seu CPF será incluído nos órgãos.                              | threat       | CPF será incluído
    Seguirá para uma empresa de cobrança.                          | threat       | empresa de cobrança
    Seu nome entrará no cadastro negativo.                         | threat       | cadastro negativo
    Vamos negativar você.                                          | threat       | negativar
    Para não ser negativado, pague.                                | threat       | negativado
    A NEGATIVAÇÃO ocorre em 10 dias.                               | threat       | NEGATIVAÇÃO
    Comunicamos a negativacao.                                     | threat       | negativacao
    Seu CPF ficará restrito: CPF restrito não compra.              | threat       | CPF restrito
    Seu score vai cair.                                            | threat       | score
    Consulte os órgãos de proteção ao crédito.                     | threat       | proteção ao crédito
    O título irá a protesto.                                       | threat       | protesto
    A fatura será protestada.                                      | threat       | protestada
    Enviaremos ao cartório.                                        | threat       | cartório
    Enviaremos aos Cartorios.                                      | threat       | Cartorios
    Abriremos um processo contra você.                             | threat       | Abriremos um processo
    Você será processado.                                          | threat       | Você será processado
    Vamos entrar com uma ação.                                     | threat       | entrar com uma ação
    Resolva antes da ação judicial.                                | threat       | judicial
    Cobraremos judicialmente.                                      | threat       | judicialmente
    A dívida vai para a Justiça.                                   | threat       | Justiça
    A dívida vai para a j.u.s.t.i.ç.a.                             | threat       | j.u.s.t.i.ç.a
    Nosso advogado vai ligar.                                      | threat       | advogado
    Encaminhado ao departamento jurídico.                          | threat       | jurídico
    O oficial de justiça irá até você.                             | threat       | justiça
    Há risco de penhora.                                           | threat       | penhora
    Pediremos o bloqueio de bens.                                  | threat       | bloqueio de bens
    Pediremos o bloqueio dos seus bens.                            | threat       | bloqueio dos seus bens
    Chamaremos a polícia.                                          | threat       | polícia
    Isso dá prisão.                                                | threat       | prisão
    Você pode ser preso.                                           | threat       | pode ser preso
    Tomaremos as medidas cabíveis.                                 | threat       | Tomaremos as medidas
    Sujeito às medidas cabiveis.                                   | threat       | medidas cabiveis
    Antes das últimas providências, pague.                         | threat       | últimas providências
    Esta é sua última chance.                                      | threat       | última chance
    ÚLTIMO aviso antes do envio.                                   | threat       | ÚLTIMO aviso
    Pague, sob pena de perder tudo.                                | threat       | sob pena
    Evite maiores transtornos.                                     | threat       | Evite maiores transtornos
    Sabemos onde você mora.                                        | threat       | Sabemos onde você mora
    Faremos o corte da sua internet.                               | cut_off      | corte da sua internet
    Seu acesso será suspenso.                                      | cut_off      | será suspenso
    Haverá suspensão do serviço.                                   | cut_off      | suspensão do serviço
    Não seja caloteiro.                                            | shame        | caloteiro
    Você está inadimplente.                                        | shame        | inadimplente
    Prezado devedor, pague.                                        | shame        | devedor
    Fique livre do nome sujo.                                      | shame        | nome sujo
    Limpe o seu nome.                                              | shame        | Limpe o seu nome
    Que vergonha!                                                  | shame        | vergonha
    Isso é desonesto.                                              | shame        | desonesto
    Honre seu compromisso.                                         | shame        | Honre
    Isso é má-fé.                                                  | shame        | má-fé
    Falta de compromisso não ajuda.                                | shame        | Falta de compromisso
    Vamos divulgar seu nome.                                       | shame        | divulgar seu nome
    Todo mundo vai saber.                                          | shame        | Todo mundo vai saber
    Seus vizinhos podem ajudar.                                    | third_person | Seus vizinhos
    O que dirão seus familiares?                                   | third_person | seus familiares
    Ligaremos ao seu empregador.                                   | third_person | Ligaremos ao seu empregador
    Avise seu marido.                                              | third_person | Avise seu marido
    Avise a sua esposa.                                            | third_person | Avise a sua esposa
    Fale com seu pai.                                              | third_person | Fale com seu pai
    Conte para a mãe.                                              | third_person | Conte para a mãe
    Avise seu chefe.                                               | third_person | Avise seu chefe
    Contaremos para todos.                                         | third_person | Contaremos para
    Iremos ao seu trabalho.                                        | third_person | ao seu trabalho
    Olá, Maria! Sua fatura {{descricao}} vence.                    | third_person | Maria
    Oi João, tudo bem?                                             | third_person | João
    Bom dia, Antônia.                                              | third_person | Antônia
    Fale com o Sr. Souza.                                          | third_person | Souza
    A Dona Maria já pagou.                                         | third_person | Maria
    Prezada Sra. Lima, sua fatura vence.                           | third_person | Lima
    Sua fatura vence, Ana.                                         | third_person | Ana
    Sua fatura VENCE HOJE MESMO, {{nome}}, e segue em aberto aqui. | capitals     | VENCE HOJE MESMO
    PAGUE VIA PIX AGORA MESMO, por favor, ou fale com a gente.     | capitals     | PAGUE VIA PIX AGORA MESMO
    PAGUE HOJE.                                                    | capitals     | PAGUE HOJE
    pAgUe SuA fAtUrA.                                              | capitals     | pAgUe SuA fAtUrA
    Pague!!                                                        | shouting     | !!
    Pague! ! Obrigado.                                             | shouting     | ! !
    Pague ‼ Obrigado.                                              | shouting     | ‼
    Cadê o pagamento?!                                             | shouting     | ?!
    Aviso urgente.                                                 | urgency      | urgente
    Responda com u r g ê n c i a.                                  | urgency      | u r g ê n c i a
    Pague imediatamente.                                           | urgency      | imediatamente
    Aguardamos pagamento imediato.                                 | urgency      | pagamento imediato
    Pague agora mesmo ou fica pior.                                | urgency      | agora mesmo ou
    Não perca tempo.                                               | urgency      | Não perca tempo
    Informe seu CPF.                                               | secret       | Informe seu CPF
    Confirme o número do seu C.P.F.                                | secret       | Confirme o número do seu C.P.F
    Digite a senha do banco.                                       | secret       | Digite a senha
    Envie foto do cartão.                                          | secret       | Envie foto do cartão
    Seu documento é 529.982.247-25, certo?                         | secret       | 529.982.247-25
    O cartão é 4111 1111 1111 1111.                                | secret       | 4111 1111 1111 1111
    O documento {{cpf}} está certo?                                | secret       | {{cpf}}
    Temos desconto para você.                                      | marketing    | desconto
    Promoção de novembro.                                          | marketing    | Promoção
    Uma oferta imperdível.                                         | marketing    | oferta
    Renegociação com facilidade.                                   | marketing    | Renegociação
    Temos condições especiais.                                     | marketing    | condições especiais
    """)
)
def test_what_is_not_said_is_found_with_its_place(body: str, code: str, quoted: str) -> None:
    found = [finding for finding in seen(body) if finding.code == code]
    assert [finding.quoted for finding in found][:1] == [quoted]
    assert body[found[0].column :].startswith(quoted)
    assert found[0].severity == ("warning" if code in ("cut_off", "marketing") else "error")
    assert all((found[0].reason, found[0].remedy, found[0].source))


KIND = """
Olá, {{nome}}! Tudo bem?
Oi, {{nome}}. Passando para lembrar da sua fatura {{descricao}}.
Bom dia, {{nome}}. Sua fatura {{descricao}} vence {{quando}}.
Olá, Cliente! Temos um aviso para você.
Prezado Associado, sua fatura já está disponível.
Sr. Cliente, sua fatura {{descricao}} vence {{quando}}.
Olá! Aqui é da Escola Aurora.
Olá, Somos da Escola Aurora.
Senhora Moradora, a fatura {{descricao}} está disponível.
O processo de pagamento leva um minuto.
Seu pagamento está sendo processado.
Seu pagamento será processado amanhã.
Processamos o seu pagamento de {{valor}}. Obrigado!
Nenhuma ação é necessária se você já pagou.
A negociação é simples: toque em Negociar.
Negocie por aqui, sem sair da conversa.
A relação das faturas está abaixo.
O prospecto do curso segue com o boleto.
O recorte das faturas de novembro está abaixo.
O corte de cabelo de {{quando}} custa {{valor}}.
O saldo devedor de {{descricao}} é {{valor}}.
Justificamos o valor de {{descricao}} quando quiser.
É justo conversar antes de tudo.
O ajuste de {{descricao}} já foi feito.
Esta fatura está em aberto. Como podemos ajudar?
Queremos ajudar a regularizar.
Se já pagou, desconsidere. Obrigado!
Se já foi feito, obrigado. Se não, como podemos ajudar?
Pague com Pix, cartão ou boleto.
Copie o código PIX e cole no aplicativo do seu banco.
Para pagar com PIX, use o QR Code. O CNPJ da escola está nele.
A NF de {{descricao}} foi emitida.
Confirme os 3 últimos dígitos do seu CPF.
Informe os três últimos números do CPF.
Nunca pedimos senha, CPF ou dados do cartão.
Não pedimos senhas nem o código de segurança.
Ninguém da nossa equipe pede a sua senha.
A resposta negativa também é bem-vinda.
O saldo é negativo: há crédito seu de {{valor}}.
Se preferir outro dia, é só dizer.
Se o mês apertou, conte com a gente.
Conte para a gente o que aconteceu.
Fale com a gente quando puder.
Fale com a empresa por aqui.
Sabemos que esta fase é difícil.
Vamos contar com você na próxima turma.
Dá para pagar agora ou escolher outro dia.
Pague agora ou negocie por aqui.
Pague hoje ou amanhã, como for melhor.
Pagando até {{quando}}, não há multa nem juros.
Se pagar até {{quando}}, evita multa e juros.
A última parcela do acordo vence {{quando}}.
Esta é a última parcela. Parabéns!
Seu contrato foi renovado. Obrigado por ficar.
Continua tudo certo com o seu plano.
Sua internet de novembro: {{valor}}, vence {{quando}}.
Os lembretes estão suspensos enquanto conversamos.
Você pode responder a esta mensagem quando quiser.
O responsável pela turma pode ajudar também.
É uma honra ter você na escola.
De acordo com o combinado, a parcela vence {{quando}}.
A convenção do condomínio prevê o vencimento {{quando}}.
O recibo chega por aqui em alguns minutos.
Para ver o que houver em aberto, é só escrever aqui.
Posso ajudar com mais alguma coisa?
Sem mais juros: o valor de hoje é {{valor}}.
O pacote Família, de {{valor}}, vence {{quando}}.
A matrícula custa R$ 349,90 e vence {{quando}}.
Falo com a pessoa certa?
Incluímos o seu e-mail no cadastro, como pediu.
Recebemos o seu pagamento de {{valor}}. Obrigado!
Olá, {{nome}}! OK, combinado para {{quando}}.
"""
ACCEPTED = KIND.strip().splitlines()


@pytest.mark.parametrize("body", ACCEPTED)
def test_a_kind_text_is_left_alone(body: str) -> None:
    assert seen(body) == ()


@pytest.mark.parametrize("creditor", ["", "Escola Aurora"])
@pytest.mark.parametrize("template", shipped(), ids=lambda template: template.name)
def test_the_templates_that_come_with_the_program_are_decent(template: MessageTemplate, creditor: str) -> None:
    found = findings(
        template.body,
        examples=template.examples,
        category=template.category,
        creditor=creditor,
        name=template.name,
        buttons=[button.key for button in template.buttons],
    )
    assert {(finding.code, finding.severity) for finding in found} <= {("no_sender", "warning")}


@pytest.mark.parametrize(
    "body",
    [
        # parameters first, as a company may have registered them before
        "{{nome}}, para pagar sua fatura {{descricao}} ({{valor}}, vence {{quando}}): toque em Pagar agora, copie o "
        "código Pix e cole no aplicativo do seu banco.",
        "{{nome}}, falta pouco: {{descricao}}, de {{valor}}, vence {{quando}}. Se preferir, já dá para pagar por aqui.",
        "{{nome}}, {{descricao}}, de {{valor}}, vence {{quando}}. Pagando até lá, não há multa nem juros.",
        "{{nome}}, sua fatura {{descricao}} venceu {{quando}} ({{valor}}). Dá para resolver por aqui mesmo: toque em "
        "uma das opções.",
        "{{nome}}, {{descricao}} ({{valor}}) continua em aberto. Queremos ajudar: pague por aqui, negocie ou fale com "
        "a gente.",
    ],
)
def test_a_text_that_begins_with_the_name_is_decent(body: str) -> None:
    assert seen(body) == ()


@pytest.mark.parametrize("said", ["dívida", "débito", "fatura", "valor", "atraso", "vencimento", "pagamento", "R$ 10"])
def test_a_debt_is_not_named_before_it_is_known_who_reads(said: str) -> None:
    body = f"Olá! Aqui é da Escola Aurora. Este número fala com {{{{nome}}}}? É sobre {said} seu."
    assert [(finding.code, finding.severity) for finding in seen(body, first=True)] == [("debt_named", "error")]
    assert seen(body) == ()


@pytest.mark.parametrize("parameter", ["valor", "descricao", "quando", "vencimento", "quantidade"])
def test_a_parameter_tells_of_a_debt_as_words_do(parameter: str) -> None:
    body = f"Olá! Aqui é da Escola Aurora. Este número fala com {{{{nome}}}}? {{{{{parameter}}}}} ok."
    (finding,) = seen(body, first=True)
    assert (finding.code, finding.quoted) == ("debt_named", f"{{{{{parameter}}}}}")


@pytest.mark.parametrize(
    *table("""
    body                                                     | creditor      | warned
    Olá! Este número fala com {{nome}}?                      | Escola Aurora | yes
    Olá! Este número fala com {{nome}}?                      | ""            | yes
    Olá! É a escola aurora. Este número fala com {{nome}}?   | Escola Aurora | no
    Olá! {{empresa}} quer falar com {{nome}}. É você?        | ""            | no
    Olá! Aqui é da Loja Sol. Este número fala com {{nome}}?  | ""            | no
    """)
)
def test_a_first_contact_says_who_writes(body: str, creditor: str, warned: bool) -> None:
    assert [finding.code for finding in seen(body, creditor=creditor, first=True)] == ["no_sender"] * warned
    assert seen(body, creditor=creditor) == ()


def test_the_creditors_own_name_is_no_threat() -> None:
    body = f"Olá, {HOUSE} aqui! Sua fatura {{{{descricao}}}} vence {{{{quando}}}}."
    assert seen(body, creditor=HOUSE) == ()
    assert "threat" in {finding.code for finding in seen(body)}


def test_what_a_parameter_brings_is_not_our_wording() -> None:
    body = "Olá, {{nome}}! {{descricao}} vence {{quando}}."
    brought = {"nome": "Ana", "descricao": "Curso de Processo e Justiça", "quando": "hoje"}
    assert findings(body, examples=brought, category="UTILITY") == ()


def test_an_example_with_a_whole_document_is_refused_where_its_parameter_stands() -> None:
    (finding,) = findings("Documento {{doc}}, certo?", examples={"doc": "529.982.247-25"}, category="UTILITY")
    assert (finding.code, finding.column) == ("secret", 10)


def test_an_offer_is_doubtful_only_in_a_template_that_says_it_is_none() -> None:
    body = "Olá, {{nome}}! Temos desconto."
    assert [(finding.code, finding.severity) for finding in seen(body)] == [("marketing", "warning")]
    assert seen(body, category="MARKETING") == ()


def test_several_findings_come_in_the_order_of_the_text_each_once() -> None:
    found = seen("PAGUE A CONTA JÁ!! O oficial de justiça e o Serasa esperam, caloteiro.")
    assert [finding.code for finding in found] == ["capitals", "shouting", "threat", "threat", "shame"]
    assert [finding.column for finding in found] == sorted(finding.column for finding in found)


REFUSED = ("Serasa", "caloteiro", "protesto", "urgente", "negativação")


@given(st.sampled_from(REFUSED), st.sampled_from([".", " ", "-", "_", "*", "·", " . "]), st.booleans())
def test_letters_pulled_apart_are_the_word(word: str, between: str, loud: bool) -> None:
    apart = between.join(word.upper() if loud else word)
    (found,) = (finding for finding in seen(f"Sobre isso: {apart}, entende?") if finding.code != "capitals")
    assert found.quoted == apart


@given(st.sampled_from(REFUSED), st.sampled_from(ACCEPTED), st.sampled_from(ACCEPTED))
def test_kind_words_around_do_not_hide_it(word: str, before: str, after: str) -> None:
    found = seen(f"{before} {word}. {after}")
    assert word in [finding.quoted for finding in found if finding.severity == "error"]


PARTS = st.sampled_from(
    [*"aeopsc .!?;:-_*{}\n¤İßﬁ‼️", "{{nome}}", "{{", "}}", "Sr. ", "Olá, ", "SPC", "CPF", "não ", "\u0301"]
)


@given(
    st.text(max_size=80) | st.lists(PARTS, max_size=60).map("".join),
    st.dictionaries(st.sampled_from(["nome", "cpf", ""]), st.text(max_size=20)),
    st.text(max_size=12),
    st.booleans(),
)
def test_nothing_written_breaks_it_and_every_place_is_inside(
    body: str, examples: dict[str, str], creditor: str, first: bool
) -> None:
    found = findings(body, examples=examples, category="UTILITY", creditor=creditor, buttons=WHO if first else ())
    for finding in found:
        assert body[finding.column : finding.column + len(finding.quoted)] == finding.quoted


def test_each_group_says_why_and_what_to_write_instead() -> None:
    for group in refused_words().groups:
        assert group.reason == group.reason.strip().rstrip(".")
        assert group.remedy.endswith(".")
        assert group.source


def test_enough_is_tried() -> None:
    assert len(ACCEPTED) >= 60
