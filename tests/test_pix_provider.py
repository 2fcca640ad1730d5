"""The stand-in bank refuses what a real one refuses, and can be told to misbehave as real ones do."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.bank import NotPayable
from bot.sandbox.pix_provider import Weather
from payments.brcode import Merchant, dynamic_code, static_code
from payments.providers.api_pix import body_of
from tests.openapi import mistakes
from tests.pix_bank import KEY, TXID, StandIn, order, stand_in

MERCHANT = Merchant(name="Escola Exemplo", city="Sao Paulo")


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k != name}


async def test_a_charge_and_its_payments_look_as_the_central_bank_describes_them() -> None:
    async with stand_in() as bank:
        body = body_of(order(bank.clock))
        status, cob = await bank.asks("PUT", f"/cob/{TXID}", body)
        assert (status, mistakes(cob, "CobGerada"), cob["status"]) == (201, [], "ATIVA")
        assert await bank.asks("PUT", f"/cob/{TXID}", body) == (201, {**cob, "revisao": 1})
        paid = await bank.provider.pay(TXID)
        status, cob = await bank.asks("GET", f"/cob/{TXID}")
        assert (mistakes(cob, "CobCompleta"), cob["status"], cob["pix"]) == ([], "CONCLUIDA", [paid])
        assert re.fullmatch(r"E99999004202612011500[A-Za-z0-9]{11}", paid["endToEndId"])
        assert mistakes((await bank.asks("GET", f"/pix/{paid['endToEndId']}"))[1], "Pix") == []


@pytest.mark.parametrize(
    ("txid", "change", "property_"),
    [
        ("short", {}, "txid"),
        ("a" * 36, {}, "txid"),
        ("a-" * 15, {}, "txid"),
        (TXID, {"calendario": None}, "cob.calendario"),
        (TXID, {"calendario": {"expiracao": 0}}, "cob.calendario.expiracao"),
        (TXID, {"calendario": {"expiracao": "60"}}, "cob.calendario.expiracao"),
        (TXID, {"valor": None}, "cob.valor"),
        (TXID, {"valor": {}}, "cob.valor.original"),
        (TXID, {"valor": {"original": 357.25}}, "cob.valor.original"),
        (TXID, {"valor": {"original": "357.2"}}, "cob.valor.original"),
        (TXID, {"valor": {"original": "0.00"}}, "cob.valor.original"),
        (TXID, {"valor": {"original": "12345678901.00"}}, "cob.valor.original"),
        (TXID, {"valor": {"original": "1.00", "modalidadeAlteracao": 2}}, "cob.valor.modalidadeAlteracao"),
        (TXID, {"chave": None}, "cob.chave"),
        (TXID, {"chave": "outra@example.com"}, "cob.chave"),
        (TXID, {"solicitacaoPagador": "x" * 141}, "cob.solicitacaoPagador"),
        (TXID, {"devedor": {"nome": "Maria"}}, "cob.devedor"),
        (TXID, {"devedor": {"cpf": "52998224725", "cnpj": "11222333000181", "nome": "Maria"}}, "cob.devedor"),
        (TXID, {"devedor": {"cpf": "52998224726", "nome": "Maria"}}, "cob.devedor.cpf"),
        (TXID, {"devedor": {"cpf": "11222333000181", "nome": "Maria"}}, "cob.devedor.cpf"),
        (TXID, {"devedor": {"cnpj": "11222333000181"}}, "cob.devedor.nome"),
    ],
)
async def test_a_bad_charge_is_refused_with_the_property_that_is_wrong(
    txid: str, change: dict[str, Any], property_: str
) -> None:
    async with stand_in() as bank:
        body = {**body_of(order(bank.clock)), **change}
        status, problem = await bank.asks("PUT", f"/cob/{txid}", body)
        assert (status, mistakes(problem, "Problema")) == (400, [])
        assert [v["propriedade"] for v in problem["violacoes"]] == [property_]
        assert bank.provider.bank.charges == {}


FRIDAY, SATURDAY = date(2026, 12, 4), date(2026, 12, 5)


def due(bank: StandIn, day: date = FRIDAY) -> dict[str, Any]:
    return body_of(order(bank.clock, form="cobv", pay_until=day))


def due_mistakes(document: dict[str, Any], schema: str) -> list[str]:
    """The description asks for the payee's address beside `recebedor`, where its own examples do not have it."""
    address = {f"{schema}.{name}: missing" for name in ("logradouro", "cidade", "uf", "cep")}
    return [mistake for mistake in mistakes(document, schema) if mistake not in address]


@pytest.mark.parametrize(
    ("change", "property_"),
    [
        ({"calendario": {"dataDeVencimento": "2026-11-30"}}, "cobv.calendario.dataDeVencimento"),
        ({"calendario": {"dataDeVencimento": "4/12/2026"}}, "cobv.calendario.dataDeVencimento"),
        ({"calendario": {"expiracao": 60}}, "cobv.calendario.dataDeVencimento"),
        (
            {"calendario": {"dataDeVencimento": "2026-12-04", "validadeAposVencimento": -1}},
            "cobv.calendario.validadeAposVencimento",
        ),
        ({"devedor": None}, "cobv.devedor"),
        ({"valor": {"original": "0.00"}}, "cobv.valor.original"),
    ],
)
async def test_a_bad_charge_with_due_date_is_refused(change: dict[str, Any], property_: str) -> None:
    async with stand_in() as bank:
        status, problem = await bank.asks("PUT", f"/cobv/{TXID}", {**due(bank), **change})
        assert status == 400
        assert [v["propriedade"] for v in problem["violacoes"]] == [property_]


async def test_a_charge_with_due_date_keeps_to_the_description_and_is_no_immediate_one() -> None:
    async with stand_in() as bank:
        status, made = await bank.asks("PUT", f"/cobv/{TXID}", due(bank))
        assert (status, due_mistakes(made, "CobVGerada")) == (201, [])
        assert (await bank.asks("GET", f"/cob/{TXID}"))[1]["title"] == "CobNaoEncontrado"
        assert (await bank.asks("PUT", f"/cob/{TXID}", body_of(order(bank.clock))))[1]["title"] == "CobOperacaoInvalida"
        await bank.provider.pay(TXID)
        assert due_mistakes((await bank.asks("GET", f"/cobv/{TXID}"))[1], "CobVCompleta") == []


@pytest.mark.parametrize(("day", "last_day"), [(FRIDAY, 3), (SATURDAY, 6)])  # days after Tuesday the first
async def test_a_charge_with_due_date_is_paid_until_that_day_or_the_next_working_one(day: date, last_day: int) -> None:
    async with stand_in() as bank:
        for txid in (TXID, "b" * 30):
            await bank.asks("PUT", f"/cobv/{txid}", due(bank, day))
        bank.clock.move(days=last_day)
        await bank.provider.pay(TXID)
        bank.clock.move(days=1)
        with pytest.raises(NotPayable, match="expired"):
            await bank.provider.pay("b" * 30)


async def test_what_is_no_json_is_refused() -> None:
    async with stand_in() as bank:
        assert (await bank.asks("PUT", f"/cob/{TXID}", b"{"))[0] == 400
        assert (await bank.asks("PUT", f"/cob/{TXID}", b"[" * 100_000))[0] == 400
        assert (await bank.asks("PUT", f"/cob/{TXID}", [1]))[0] == 400


async def test_a_charge_that_is_concluded_or_removed_is_neither_revised_nor_removed_nor_paid() -> None:
    async with stand_in() as bank:
        body = body_of(order(bank.clock))
        paid, removed = "p" * 30, "r" * 30
        for txid in (paid, removed):
            await bank.asks("PUT", f"/cob/{txid}", body)
        await bank.provider.pay(paid, 1)  # closes with any amount
        removal = {"status": "REMOVIDA_PELO_USUARIO_RECEBEDOR"}
        assert (await bank.asks("PATCH", f"/cob/{removed}", {**removal, "valor": {"original": "1.00"}}))[0] == 400
        assert (await bank.asks("PATCH", f"/cob/{removed}", removal))[0] == 200
        for txid in (paid, removed):
            for method, asked in (("PUT", body), ("PATCH", removal)):
                status, problem = await bank.asks(method, f"/cob/{txid}", asked)
                assert (status, problem["title"]) == (400, "CobOperacaoInvalida")
        with pytest.raises(NotPayable, match="paid"):
            await bank.provider.pay(paid)
        with pytest.raises(NotPayable, match="removed"):
            await bank.provider.pay(removed)
        assert (await bank.asks("PATCH", f"/cob/{'x' * 30}", removal))[0] == 404


async def test_an_expired_charge_still_reads_active_and_cannot_be_paid() -> None:
    async with stand_in() as bank:
        await bank.asks("PUT", f"/cob/{TXID}", body_of(order(bank.clock)))
        bank.clock.move(hours=12)
        assert (await bank.asks("GET", f"/cob/{TXID}"))[1]["status"] == "ATIVA"
        with pytest.raises(NotPayable, match="expired"):
            await bank.provider.pay(TXID)


async def test_without_a_good_token_nothing_is_answered() -> None:
    async with stand_in() as bank:
        good = await bank.token()
        bank.clock.move(hours=1)
        for headers in ({}, {"Authorization": "Bearer nonsense"}, good):
            async with bank.session.get(f"{bank.pix.api_url}/pix", headers=headers) as response:
                assert (response.status, (await response.json())["error"]) == (401, "invalid_token")
        async with bank.session.post(bank.pix.token_url, data={"grant_type": "client_credentials"}) as response:
            assert response.status == 401


async def test_what_came_in_is_listed_by_time_in_pages() -> None:
    async with stand_in() as bank:
        for n in range(5):
            bank.provider.bank.pay_key(100 + n, txid=f"{n:030d}" if n != 2 else None)
            bank.clock.move(minutes=1)
        span = {"inicio": "2026-12-01T15:00:30Z", "fim": "2026-12-01T16:00:00Z"}
        status, found = await bank.asks(
            "GET", "/pix", **span, **{"paginacao.itensPorPagina": "3", "paginacao.paginaAtual": "1"}
        )
        assert (status, [p["valor"] for p in found["pix"]]) == (200, ["1.04"])
        assert mistakes(found, "PixConsultados") == ["PixConsultados.cobs: missing"]  # a slip of the description
        assert len((await bank.asks("GET", "/pix", **span, txIdPresente="true"))[1]["pix"]) == 3
        for wrong in (
            {},
            {**span, "fim": "2026-12-01T00:00:00Z"},
            {**span, "fim": "2026-12-02"},
            {**span, "paginacao.paginaAtual": "-1"},
        ):
            status, problem = await bank.asks("GET", "/pix", **wrong)
            assert (status, problem["title"]) == (400, "PixConsultaInvalida")
        assert (await bank.asks("GET", "/pix/E999"))[0] == 404


async def test_a_webhook_has_to_answer_and_to_be_https_and_is_called_with_pix_appended() -> None:
    async with stand_in() as bank:
        for url in ("http://example.com/hook", f"{bank.address}/nobody"):
            status, problem = await bank.asks("PUT", f"/webhook/{KEY}", {"webhookUrl": url})
            assert (status, problem["title"]) == (400, "WebhookOperacaoInvalida")
        await bank.register()
        assert bank.told == [{"path": "/hook", "evento": "teste_webhook"}]
        await bank.asks("PUT", f"/cob/{TXID}", body_of(order(bank.clock)))
        paid = await bank.provider.pay(TXID)
        assert bank.told[1:] == [{"path": "/hook/pix", "pix": [paid]}]
        assert (await bank.asks("DELETE", f"/webhook/{KEY}"))[0] == 204
        assert (await bank.asks("GET", f"/webhook/{KEY}"))[0] == 404


async def test_webhooks_are_lost_doubled_late_and_out_of_order_on_request() -> None:
    async with stand_in() as bank:
        await bank.register()
        bank.told.clear()

        async def told_of(weather: Weather) -> tuple[dict[str, Any], list[dict[str, Any]]]:
            bank.told.clear()
            await bank.provider.set_weather(weather)
            paid = await bank.provider.pay_code(static_code(KEY, merchant=MERCHANT, txid="x"), 100)
            return paid, [told["pix"][0] for told in bank.told]

        assert (await told_of(Weather(webhook="lost")))[1] == []
        doubled, told = await told_of(Weather(webhook="doubled"))
        assert told == [doubled, doubled]
        first, told = await told_of(Weather(webhook="held"))
        second, told_later = await told_of(Weather(webhook="held"))
        assert told == told_later == []
        await bank.provider.set_weather(Weather())
        assert [told["pix"][0] for told in bank.told] == [second, first]


async def test_the_phones_bank_reads_and_pays_a_code_once() -> None:
    async with stand_in() as bank:
        _, cob = await bank.asks("PUT", f"/cob/{TXID}", body_of(order(bank.clock)))
        code = dynamic_code(cob["location"], merchant=MERCHANT)
        fixed = static_code(KEY, merchant=MERCHANT, amount_cents=500, txid="abc")
        answers = []
        for path, body in (
            ("read", {"code": code}),
            ("pay", {"code": code}),
            ("pay", {"code": code}),
            ("pay", {"code": fixed}),
            ("pay", {"code": static_code("outra@example.com", merchant=MERCHANT)}),
            ("pay", {"code": code[:-4] + "0000"}),
            ("pay", {"code": fixed, "amount_cents": "7"}),
            ("pay", ["code"]),
        ):
            async with bank.session.post(f"{bank.address}/sandbox/bank/{path}", json=body) as response:
                document = await response.json(content_type=None)
                answers.append(
                    (response.status, document.get("amount_cents") or document.get("refused") or document["status"])
                )
        assert answers == [
            (200, 35725),
            (200, 35725),
            (409, "paid"),
            (200, 500),
            (409, "unknown"),
            (409, "unreadable"),
            (409, "amount"),
            (400, 400),
        ]


async def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file = tmp_path / "bank.json"
    async with stand_in(file=file) as bank:
        await bank.register()
        await bank.asks("PUT", f"/cob/{TXID}", body_of(order(bank.clock)))
        await bank.provider.pay(TXID, 100)
        before = await bank.asks("GET", f"/cob/{TXID}")
    async with stand_in(file=file) as bank:
        assert await bank.asks("GET", f"/cob/{TXID}") == before
        refunded = bank.provider.bank.refund(before[1]["pix"][0]["endToEndId"], 40)
        assert (await bank.asks("GET", f"/cob/{TXID}"))[1]["pix"] == [refunded]
        assert (await bank.asks("GET", f"/webhook/{KEY}"))[0] == 200
