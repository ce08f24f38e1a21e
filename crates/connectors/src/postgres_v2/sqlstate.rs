//! What Python's `psycopg2` calls the errors of PostgreSQL: these names are what processes catch.

/// The name of an error by its SQLSTATE; that of its class when it has none of its own here.
pub(super) fn name(state: &str) -> &'static str {
    let own = NAMES.iter().find(|(code, _)| *code == state);
    own.map_or_else(|| class(state), |(_, name)| name)
}

fn class(state: &str) -> &'static str {
    match state.get(..2).unwrap_or_default() {
        "0A" => "NotSupportedError",
        "20" | "21" | "3D" | "3F" | "42" | "44" => "ProgrammingError",
        "22" => "DataError",
        "23" => "IntegrityError",
        "40" => "TransactionRollbackError",
        "24" | "25" | "2B" | "2D" | "2F" | "38" | "39" | "3B" | "F0" | "P0" | "XX" => {
            "InternalError"
        }
        "08" | "26" | "27" | "28" | "34" | "53" | "54" | "55" | "57" | "58" | "HV" => {
            "OperationalError"
        }
        _ => "DatabaseError",
    }
}

const NAMES: &[(&str, &str)] = &[
    ("08000", "ConnectionException"),
    ("08003", "ConnectionDoesNotExist"),
    ("08006", "ConnectionFailure"),
    ("0A000", "FeatureNotSupported"),
    ("21000", "CardinalityViolation"),
    ("22000", "DataException"),
    ("22001", "StringDataRightTruncation"),
    ("22003", "NumericValueOutOfRange"),
    ("22004", "NullValueNotAllowed"),
    ("22007", "InvalidDatetimeFormat"),
    ("22008", "DatetimeFieldOverflow"),
    ("22012", "DivisionByZero"),
    ("22021", "CharacterNotInRepertoire"),
    ("22023", "InvalidParameterValue"),
    ("22025", "InvalidEscapeSequence"),
    ("2201B", "InvalidRegularExpression"),
    ("22P02", "InvalidTextRepresentation"),
    ("22P03", "InvalidBinaryRepresentation"),
    ("22P05", "UntranslatableCharacter"),
    ("23000", "IntegrityConstraintViolation"),
    ("23001", "RestrictViolation"),
    ("23502", "NotNullViolation"),
    ("23503", "ForeignKeyViolation"),
    ("23505", "UniqueViolation"),
    ("23514", "CheckViolation"),
    ("23P01", "ExclusionViolation"),
    ("25001", "ActiveSqlTransaction"),
    ("25006", "ReadOnlySqlTransaction"),
    ("25P02", "InFailedSqlTransaction"),
    ("25P03", "IdleInTransactionSessionTimeout"),
    ("28000", "InvalidAuthorizationSpecification"),
    ("28P01", "InvalidPassword"),
    ("2BP01", "DependentObjectsStillExist"),
    ("3D000", "InvalidCatalogName"),
    ("3F000", "InvalidSchemaName"),
    ("40001", "SerializationFailure"),
    ("40P01", "DeadlockDetected"),
    ("42501", "InsufficientPrivilege"),
    ("42601", "SyntaxError"),
    ("42602", "InvalidName"),
    ("42611", "InvalidColumnDefinition"),
    ("42622", "NameTooLong"),
    ("42701", "DuplicateColumn"),
    ("42702", "AmbiguousColumn"),
    ("42703", "UndefinedColumn"),
    ("42704", "UndefinedObject"),
    ("42710", "DuplicateObject"),
    ("42712", "DuplicateAlias"),
    ("42723", "DuplicateFunction"),
    ("42725", "AmbiguousFunction"),
    ("42803", "GroupingError"),
    ("42804", "DatatypeMismatch"),
    ("42809", "WrongObjectType"),
    ("42830", "InvalidForeignKey"),
    ("42846", "CannotCoerce"),
    ("42883", "UndefinedFunction"),
    ("42939", "ReservedName"),
    ("42P01", "UndefinedTable"),
    ("42P02", "UndefinedParameter"),
    ("42P04", "DuplicateDatabase"),
    ("42P05", "DuplicatePreparedStatement"),
    ("42P06", "DuplicateSchema"),
    ("42P07", "DuplicateTable"),
    ("42P08", "AmbiguousParameter"),
    ("42P10", "InvalidColumnReference"),
    ("42P16", "InvalidTableDefinition"),
    ("42P18", "IndeterminateDatatype"),
    ("44000", "WithCheckOptionViolation"),
    ("53100", "DiskFull"),
    ("53200", "OutOfMemory"),
    ("53300", "TooManyConnections"),
    ("54000", "ProgramLimitExceeded"),
    ("54001", "StatementTooComplex"),
    ("54011", "TooManyColumns"),
    ("54023", "TooManyArguments"),
    ("55000", "ObjectNotInPrerequisiteState"),
    ("55006", "ObjectInUse"),
    ("55P03", "LockNotAvailable"),
    ("57014", "QueryCanceled"),
    ("57P01", "AdminShutdown"),
    ("57P02", "CrashShutdown"),
    ("57P03", "CannotConnectNow"),
    ("58030", "IoError"),
    ("P0001", "RaiseException"),
    ("P0002", "NoDataFound"),
    ("P0004", "AssertFailure"),
    ("XX000", "InternalError_"),
    ("XX001", "DataCorrupted"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_own_name_or_that_of_its_class() {
        assert_eq!(name("42P01"), "UndefinedTable");
        assert_eq!(name("42999"), "ProgrammingError");
        assert_eq!(name("22999"), "DataError");
        assert_eq!(name("99999"), "DatabaseError");
        assert_eq!(name("é"), "DatabaseError");
    }

    #[test]
    fn no_code_is_listed_twice() {
        let codes: std::collections::HashSet<_> = NAMES.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), NAMES.len());
    }
}
