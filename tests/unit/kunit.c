// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs the registered KUnit suites in user space and prints KTAP.
 *
 * Subtests are indented by four spaces a level, as the kernel does. The exit
 * status is 0 only if at least one test ran and none failed.
 */
#include <stdarg.h>
#include <stdlib.h>

#include <kunit/test.h>

static struct kunit_suite *suites;
static int nr_passed, nr_failed;

void kunit_register(struct kunit_suite *suite)
{
	struct kunit_suite **end = &suites;

	while (*end)
		end = &(*end)->next;
	*end = suite;
}

void kunit_failed(struct kunit *test, const char *file, int line,
		  const char *expected)
{
	test->has_failed = true;
	printf("    # %s:%d: expected %s\n", file, line, expected);
}

void kunit_explain(const char *format, ...)
{
	va_list arguments;

	if (!*format)
		return;
	printf("    #   ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

static bool run_once(struct kunit_case *test_case, const void *param)
{
	struct kunit test = { .param_value = param };

	if (!setjmp(test.aborted))
		test_case->run_case(&test);
	if (test.has_failed)
		nr_failed++;
	else
		nr_passed++;
	return !test.has_failed;
}

static const char *verdict(bool is_ok)
{
	return is_ok ? "ok" : "not ok";
}

static bool run_params(struct kunit_case *test_case)
{
	char desc[KUNIT_PARAM_DESC_SIZE] = "";
	const void *param = NULL;
	bool is_ok = true;
	int number = 0;

	printf("        KTAP version 1\n");
	printf("        # Subtest: %s\n", test_case->name);
	while ((param = test_case->generate_params(NULL, param, desc))) {
		bool is_param_ok = run_once(test_case, param);

		printf("        %s %d %s\n", verdict(is_param_ok), ++number, desc);
		is_ok &= is_param_ok;
	}
	return is_ok && number;
}

static bool run_suite(struct kunit_suite *suite)
{
	struct kunit_case *test_case;
	bool is_ok = true;
	int number = 0;

	printf("    KTAP version 1\n    # Subtest: %s\n", suite->name);
	for (test_case = suite->test_cases; test_case->run_case; test_case++) {
		bool is_case_ok = test_case->generate_params ?
				  run_params(test_case) :
				  run_once(test_case, NULL);

		printf("    %s %d %s\n", verdict(is_case_ok), ++number,
		       test_case->name);
		is_ok &= is_case_ok;
	}
	printf("    1..%d\n", number);
	return is_ok && number;
}

int main(void)
{
	struct kunit_suite *suite;
	bool is_ok = true;
	int number = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	for (suite = suites; suite; suite = suite->next) {
		bool is_suite_ok = run_suite(suite);

		printf("%s %d %s\n", verdict(is_suite_ok), ++number,
		       suite->name);
		is_ok &= is_suite_ok;
	}
	printf("1..%d\n", number);
	printf("# %d passed, %d failed\n", nr_passed, nr_failed);
	return is_ok && nr_passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
