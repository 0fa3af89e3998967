// SPDX-License-Identifier: Apache-2.0
// run.sh copies this file beside the code that docs/drivers/java.md shows.
import com.zaxxer.hikari.HikariDataSource;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.transaction.support.TransactionTemplate;

public class Test {
    static final String ALICE = System.getenv("ALICE");
    static final String BOB = System.getenv("BOB");
    static final String FORGED = System.getenv("FORGED");
    static final String EXPIRED = System.getenv("EXPIRED");
    static final String NOTES = "SELECT body FROM note ORDER BY id";
    static final String INSERT = "INSERT INTO note (body) VALUES (?) RETURNING body";

    static int count;
    static boolean failed;

    interface Body {
        void run() throws Exception;
    }

    static void test(String name, Body body) {
        count++;
        try {
            body.run();
            System.out.println("ok " + count + " - " + name);
        } catch (Throwable error) {
            failed = true;
            System.out.println("not ok " + count + " - " + name + "\n# " + text(error).replace("\n", "\n# "));
        }
    }

    static void check(boolean right, Object what) {
        if (!right) {
            throw new AssertionError(String.valueOf(what));
        }
    }

    static String text(Throwable error) {
        var text = new StringWriter();
        error.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    /** What an application can log of an error, in any usual way. */
    static void hasNoToken(Throwable error) {
        for (String token : List.of(ALICE, BOB, FORGED, EXPIRED)) {
            for (String part : token.split("\\.")) {
                check(part.equals(token.split("\\.")[0]) || !text(error).contains(part), "a token is in the text");
            }
        }
    }

    static Throwable errorOf(Body body) {
        try {
            body.run();
        } catch (Throwable error) {
            return error;
        }
        throw new AssertionError("no error");
    }

    static HikariDataSource pool(String database) {
        var pool = new HikariDataSource();
        pool.setJdbcUrl("jdbc:postgresql://127.0.0.1:" + System.getenv("POOL_PORT") + "/" + database
                + "?prepareThreshold=0&sslmode=disable");
        pool.setUsername("app");
        pool.setMaximumPoolSize(2);
        return pool;
    }

    static List<String> rows(Connection connection, String query, String... values) throws SQLException {
        try (var statement = connection.prepareStatement(query)) {
            for (int i = 0; i < values.length; i++) {
                statement.setString(i + 1, values[i]);
            }
            var found = new ArrayList<String>();
            try (var result = statement.executeQuery()) {
                while (result.next()) {
                    found.add(result.getString(1));
                }
            }
            return found;
        }
    }

    /** A way to run work as the user of a token. */
    interface Way {
        <T> T run(HikariDataSource pool, String token, Work<T> work) throws SQLException;
    }

    static class Hikari implements Way {
        public <T> T run(HikariDataSource pool, String token, Work<T> work) throws SQLException {
            return AsUser.run(pool, token, work);
        }
    }

    static class Spring implements Way {
        public <T> T run(HikariDataSource pool, String token, Work<T> work) throws SQLException {
            var transaction = new TransactionTemplate(new TokenTransactionManager(pool, () -> token));
            return transaction.execute(status -> {
                Connection connection = DataSourceUtils.getConnection(pool);
                try {
                    return work.run(connection);
                } catch (SQLException error) {
                    throw new IllegalStateException(error);
                } finally {
                    DataSourceUtils.releaseConnection(connection, pool);
                }
            });
        }
    }

    static String server;

    static void isNobodys(HikariDataSource pool) throws SQLException {
        try (var connection = pool.getConnection()) {
            var who = rows(connection,
                    "SELECT concat(auth.user_id(), ' ', (SELECT count(*) FROM note), ' ', pg_backend_pid())").get(0);
            server = server == null ? who.split(" ")[2] : server;
            check(who.equals(" 0 " + server), who);
        }
    }

    static void sees(Way way, HikariDataSource pool, String token, String body) throws SQLException {
        var found = way.<List<String>>run(pool, token, connection -> rows(connection, NOTES));
        check(found.equals(List.of(body)), found);
    }

    static void cases(Way way) {
        String name = way.getClass().getSimpleName();
        var pool = pool("app");
        Body usable = () -> {
            isNobodys(pool);
            sees(way, pool, BOB, "of bob");
            isNobodys(pool);
        };
        test(name + ": users take turns on one connection", () -> {
            for (int turn = 0; turn < 20; turn++) {
                sees(way, pool, ALICE, "of alice");
                isNobodys(pool);
                usable.run();
            }
        });
        for (String[] row : new String[][] {
            {"an expired token", EXPIRED, "23514"}, {"a forged token", FORGED, "23514"}, {"no JWT", "alice", "42804"}
        }) {
            test(name + ": " + row[0] + " is refused, and its text is in no error", () -> {
                var error = errorOf(() -> sees(way, pool, row[1], ""));
                check(error instanceof TokenRefused refused && refused.sqlState.equals(row[2]), text(error));
                hasNoToken(error);
                usable.run();
            });
        }
        test(name + ": a constraint of the work is no refused token", () -> {
            var error = errorOf(() -> way.<List<String>>run(pool, ALICE, connection -> rows(connection, INSERT, "")));
            check(!(error instanceof TokenRefused) && text(error).contains("note_body_check"), text(error));
            hasNoToken(error);
            usable.run();
        });
        test(name + ": what fails leaves no row", () -> {
            var error = errorOf(() -> way.<List<String>>run(pool, ALICE, connection -> {
                rows(connection, INSERT, "more");
                throw new ArithmeticException();
            }));
            check(error instanceof ArithmeticException, text(error));
            sees(way, pool, ALICE, "of alice");
        });
        pool.close();
        test(name + ": a server without keys is no refused token", () -> {
            try (var keyless = pool("keyless")) {
                var error = errorOf(() -> sees(way, keyless, ALICE, ""));
                check(!(error instanceof TokenRefused) && text(error).contains("no usable keys"), text(error));
                hasNoToken(error);
            }
        });
    }

    public static void main(String[] arguments) {
        cases(new Hikari());
        cases(new Spring());
        test("Spring: a transaction without a token has no identity", () -> {
            try (var pool = pool("app")) {
                var found = new Spring().<List<String>>run(pool, null, connection -> rows(connection, NOTES));
                check(found.isEmpty(), found);
            }
        });
        test("pgjdbc: the text of a failed batch has the parameters", () -> {
            try (var pool = pool("app"); var connection = pool.getConnection();
                    var statement = connection.prepareStatement("SELECT auth.jwt_authenticate(?)")) {
                statement.setString(1, "made.up.value");
                statement.addBatch();
                var error = errorOf(statement::executeBatch);
                check(error instanceof BatchUpdateException, text(error));
                check(error.getMessage().contains("made.up.value"), text(error));
            }
        });
        // What docs/drivers.md says of startup parameters.
        test("pgjdbc: the session's key in options", () -> {
            var options = "-c pg_session_jwt.jwk=" + System.getenv("SESSION_JWK").replaceAll("[\\\\ ]", "\\\\$0");
            var url = "jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/session_key?user=app&options="
                    + URLEncoder.encode(options, StandardCharsets.UTF_8);
            try (var connection = DriverManager.getConnection(url)) {
                rows(connection, "SELECT auth.init()");
            }
        });
        System.out.println("1.." + count);
        System.exit(failed ? 1 : 0);
    }
}
