//! Values of all types, to the database and back.

use serde_json::json;

use super::kit::{Bench, body, text, unique};
use crate::postgres_v2::testing::server;

#[tokio::test]
async fn every_type_has_its_json() {
    let bench = Bench::new();
    let mood = unique("mood");
    server().psql(&format!("create type {mood} as enum ('sad', 'happy')"));
    server().psql(&format!("create type pair_{mood} as (a int, b text)"));
    server().psql(&format!(
        "create domain small_{mood} as int check (value < 10)"
    ));
    let cases = [
        ("true".to_owned(), json!(true)),
        ("null::int".into(), json!(null)),
        ("(-32768)::int2".into(), json!(-32768)),
        ("2147483647".into(), json!(2_147_483_647)),
        (
            "9223372036854775807".into(),
            json!(9_223_372_036_854_775_807_i64),
        ),
        ("0.1::float4".into(), json!(0.1)),
        ("1.5e-07::float8".into(), json!(1.5e-7)),
        ("'NaN'::float8".into(), json!("NaN")),
        ("'-Infinity'::float4".into(), json!("-Infinity")),
        ("'Infinity'::numeric".into(), json!("Infinity")),
        (
            "'Zürich 🦀 \"q\" \\ \n'".into(),
            json!("Zürich 🦀 \"q\" \\ \n"),
        ),
        ("'ab'::char(4)".into(), json!("ab  ")),
        ("'x'::\"char\"".into(), json!("x")),
        ("'n'::name".into(), json!("n")),
        (
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid".into(),
            json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        (
            "'{\"a\": [1, null]}'::jsonb".into(),
            json!({"a": [1, null]}),
        ),
        ("'[1, {\"b\": \"c\"}]'::json".into(), json!([1, {"b": "c"}])),
        ("'null'::jsonb".into(), json!(null)),
        ("date '2024-02-29'".into(), json!("2024-02-29")),
        ("time '03:04:05.678'".into(), json!("03:04:05.678")),
        ("timetz '03:04:05+02'".into(), json!("03:04:05+02:00")),
        (
            "timestamp '2024-02-29 03:04:05'".into(),
            json!("2024-02-29T03:04:05"),
        ),
        (
            "timestamptz '2024-02-29 03:04:05.5+00' at time zone 'UTC' at time zone 'UTC'".into(),
            json!("2024-02-29T03:04:05.5+00:00"),
        ),
        ("timestamp 'infinity'".into(), json!("infinity")),
        (
            "interval '1 year 2 mons 3 days 04:05:06.5'".into(),
            json!("P1Y2M3DT4H5M6.5S"),
        ),
        ("'\\x00ff10'::bytea".into(), json!("AP8Q")),
        ("array[1, null, 3]".into(), json!([1, null, 3])),
        (
            "array[['a', 'b,c'], ['NULL', null]]".into(),
            json!([["a", "b,c"], ["NULL", null]]),
        ),
        ("array['{\"a\": 1}']::jsonb[]".into(), json!([{"a": 1}])),
        ("array[date '2024-01-02']".into(), json!(["2024-01-02"])),
        (
            "array[timestamp '2024-01-02 03:04:05']".into(),
            json!(["2024-01-02T03:04:05"]),
        ),
        ("'[5:6]={1,2}'::int[]".into(), json!([1, 2])),
        ("array['\\x00ff'::bytea]".into(), json!(["AP8="])),
        (format!("'happy'::{mood}"), json!("happy")),
        (
            format!("array['sad', 'happy']::{mood}[]"),
            json!(["sad", "happy"]),
        ),
        (format!("row(1, 'x y')::pair_{mood}"), json!("(1,\"x y\")")),
        (format!("7::small_{mood}"), json!(7)),
        (format!("array[7]::small_{mood}[]"), json!([7])),
        ("row(1, 'x')".into(), json!("(1,x)")),
        ("inet '10.0.0.1/8'".into(), json!("10.0.0.1/8")),
        ("cidr '10.0.0.0/8'".into(), json!("10.0.0.0/8")),
        (
            "macaddr '08:00:2b:01:02:03'".into(),
            json!("08:00:2b:01:02:03"),
        ),
        ("'[1,5)'::int4range".into(), json!("[1,5)")),
        (
            "'{[1,3),[5,7)}'::int4multirange".into(),
            json!("{[1,3),[5,7)}"),
        ),
        ("B'101'".into(), json!("101")),
        ("12.5::money".into(), json!("$12.50")),
        ("point '(1,2)'".into(), json!("(1,2)")),
        ("xml '<a/>'".into(), json!("<a/>")),
        ("to_tsvector('simple', 'a b')".into(), json!("'a':1 'b':2")),
        ("26::oid".into(), json!(26)),
        ("'pg_class'::regclass".into(), json!("pg_class")),
        ("'1 2'::int2vector".into(), json!("1 2")),
        ("'0/16B3748'::pg_lsn".into(), json!("0/16B3748")),
        (
            "'postgres=r/postgres'::aclitem".into(),
            json!("postgres=r/postgres"),
        ),
    ];
    let columns: Vec<_> = cases.iter().map(|(sql, _)| sql.as_str()).collect();
    let sql = format!("set local timezone = 'UTC'; select {}", columns.join(", "));
    let rows = bench.rows(&sql, json!([])).await;
    for ((sql, wanted), found) in cases.iter().zip(rows[0].as_array().unwrap()) {
        assert_eq!(found, wanted, "{sql}");
    }
}

#[tokio::test]
async fn decimals_keep_all_their_digits_both_ways() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!(
        "create table {table} (a numeric, b numeric(30, 5), c bigint)"
    ));
    let sql = format!("insert into {table} values (%s, %s, %s)");
    let digits = "12345678901234567890.123456789012345678901234567890";
    let values = json!([digits, "0.10000", "9223372036854775807"]);
    bench
        .call("DoSQL", json!({"schema": {"sql": sql, "values": values}}))
        .await
        .unwrap();
    let select = json!({"table_name": table, "schema": {"columns": ["a", "b", "c"]}});
    let answer = bench.call("SelectValuesV2", select).await.unwrap();
    assert_eq!(
        text(&answer),
        format!("[[{digits},0.10000,9223372036854775807]]")
    );
}

#[tokio::test]
async fn values_come_back_as_they_were_sent() {
    let bench = Bench::new();
    for (kind, value) in [
        ("int2", json!(-7)),
        ("int4", json!(33)),
        ("int8", json!(9_007_199_254_740_993_i64)),
        ("float8", json!(0.1)),
        ("numeric", json!(1.5)),
        ("text", json!("Zürich 🦀 ' \" \\ %s $1 -- ;")),
        ("varchar(3)", json!("äöü")),
        ("bool", json!(false)),
        ("jsonb", json!({"a": [1, {"b": null}], "ü": "\"\\"})),
        ("json", json!([1, "two", null])),
        ("uuid", json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("date", json!("2024-02-29")),
        ("time", json!("03:04:05")),
        ("timestamp", json!("2024-02-29T03:04:05.678")),
        ("interval", json!("P1DT2H")),
        ("bytea", json!("AP8Q")),
        ("int[]", json!([[1, 2], [3, null]])),
        ("text[]", json!(["a", "b,\"c\\", null, "NULL", "{}", ""])),
        ("uuid[]", json!(["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"])),
        ("jsonb[]", json!([{"a": 1}, [2]])),
        ("inet", json!("10.0.0.1")),
        ("int4range", json!("[1,5)")),
        ("text", json!(null)),
    ] {
        let table = unique("t");
        server().psql(&format!("create table {table} (a {kind})"));
        let insert =
            json!({"table_name": table, "schema": {"columns": ["a"], "values": [[value]]}});
        let inserted = bench.call("InsertValuesV2", insert).await;
        assert!(inserted.is_ok(), "{kind}: {inserted:?}");
        let select = json!({"table_name": table, "schema": {"columns": ["a"]}});
        let selected = bench.call("SelectValuesV2", select).await.unwrap();
        assert_eq!(body(&selected), json!([[value]]), "{kind}");
    }
}

#[tokio::test]
async fn numbers_mean_what_they_mean_in_sql() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!("create table {table} (a int, b text)"));
    let insert = json!({"table_name": table, "schema": {
        "columns": ["a", "b"], "values": [[1.5, 33], [33.0, true], [7, {"c": 1}]],
    }});
    bench.call("InsertValuesV2", insert).await.unwrap();
    let rows = bench
        .rows(&format!("select a, b from {table} order by a"), json!([]))
        .await;
    assert_eq!(rows, json!([[2, "33"], [7, "{\"c\":1}"], [33, "true"]]));
    for (condition, count) in [
        (json!(["a", "<", 7.5]), 2),
        (json!(["a", "<", 99_999_999_999_i64]), 3),
        (json!(["a", ">", 1e30]), 0),
        (json!(["b", "=", 33]), 1),
        (json!(["a", "=", null]), 0),
    ] {
        let schema = json!({"columns": ["a"], "where": [condition]});
        let select = json!({"table_name": table, "schema": schema});
        let rows = body(&bench.call("SelectValuesV2", select).await.unwrap());
        assert_eq!(rows.as_array().unwrap().len(), count, "{schema}");
    }
}

#[tokio::test]
async fn placeholders_without_a_type_take_that_of_their_value() {
    let bench = Bench::new();
    let sql = "select jsonb_build_object('a', %s, 'b', %s, 'c', %s, 'd', %s, 'e', %s)";
    assert_eq!(
        bench
            .rows(sql, json!([1, "x", true, null, {"y": [1]}]))
            .await,
        json!([[{"a": 1, "b": "x", "c": true, "d": null, "e": {"y": [1]}}]])
    );
    let sql = "select a from generate_series(1, 3) as a where %s is null or a = %s";
    assert_eq!(bench.rows(sql, json!([2, 2])).await, json!([[2]]));
    let sql = "select a from generate_series(1, 3) as a where a = any(%s)";
    assert_eq!(bench.rows(sql, json!([[1, 3]])).await, json!([[1], [3]]));
    assert_eq!(bench.rows("select %s", json!(["x"])).await, json!([["x"]]));
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!(
        "create table {table} (a int, b text, c bytea, d date)"
    ));
    for (column, value, code) in [
        ("a", json!("abc"), "InvalidTextRepresentation"),
        ("a", json!(true), "DatatypeMismatch"),
        ("a", json!([1]), "DatatypeMismatch"),
        ("b", json!("nul\u{0}"), "ValueError"),
        ("c", json!("no base64!"), "InvalidTextRepresentation"),
        ("d", json!("2024-02-30"), "DatetimeFieldOverflow"),
        ("d", json!(7), "InvalidDatetimeFormat"),
    ] {
        let insert = json!({"table_name": table, "schema": {
            "columns": [column, "b"], "values": [[null, null], [value, "x"]]}});
        let insert = match column {
            "b" => json!({"table_name": table, "schema": {
                "columns": ["b"], "values": [[null], [value]]}}),
            _ => insert,
        };
        let failure = bench.call("InsertValuesV2", insert).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
        let named = format!("column '{column}' of row 2: ");
        assert!(failure.message.starts_with(&named), "{failure}");
    }
    let failure = bench
        .failure("select %s::text, %s::int", json!(["x", "y"]))
        .await;
    assert!(failure.message.starts_with("value 2: "), "{failure}");
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "0");
}

#[tokio::test]
async fn huge_and_odd_texts_pass() {
    let bench = Bench::new();
    let huge = "0123456789äöü🦀".repeat(100_000);
    let rows = bench
        .rows("select %s::text, length(%s)", json!([huge, huge]))
        .await;
    assert_eq!(rows, json!([[huge, 1_400_000]]));
}
