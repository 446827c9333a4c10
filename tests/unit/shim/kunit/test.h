/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of KUnit as the suites of the pure files use, for user space.
 *
 * The suites are the kernel's own files, unchanged: only what stands behind
 * the KUNIT_* names differs. A suite registers itself before main() runs, as
 * the kernel collects them in a section of the module; tests/unit/kunit.c runs
 * them and prints KTAP.
 */
#ifndef SHIM_KUNIT_TEST_H
#define SHIM_KUNIT_TEST_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/types.h>

#define KUNIT_PARAM_DESC_SIZE	128

struct kunit {
	const void *param_value;
	bool has_failed;
	jmp_buf aborted;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(struct kunit *test, const void *prev,
				       char *desc);
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
	struct kunit_suite *next;
};

void kunit_register(struct kunit_suite *suite);
void kunit_failed(struct kunit *test, const char *file, int line,
		  const char *expected);
void kunit_explain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#define kunit_test_suite(suite)						\
static void __attribute__((constructor)) suite##_register(void)		\
{									\
	kunit_register(&(suite));					\
}

#define KUNIT_CASE(test_name)						\
	{ .run_case = (test_name), .name = #test_name }
#define KUNIT_CASE_PARAM(test_name, gen_params)				\
	{ .run_case = (test_name), .name = #test_name,			\
	  .generate_params = (gen_params) }

#define KUNIT_ARRAY_PARAM(prefix, array, get_desc)			\
static const void *prefix##_gen_params(struct kunit *test,		\
				       const void *prev, char *desc)	\
{									\
	__typeof__(&(array)[0]) param = prev;				\
									\
	(void)test;							\
	param = param ? param + 1 : (array);				\
	if (param == (array) + ARRAY_SIZE(array))			\
		return NULL;						\
	(get_desc)(param, desc);					\
	return param;							\
}

#define KUNIT_ARRAY_PARAM_DESC(prefix, array, desc_member)		\
static void prefix##_get_desc(const __typeof__((array)[0]) *param,	\
			      char *desc)				\
{									\
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", param->desc_member);	\
}									\
KUNIT_ARRAY_PARAM(prefix, array, prefix##_get_desc)

/* Each expectation comes down to a condition, its text, and an explanation. */
#define SHIM_EXPECT(test, condition, text, ...)				\
({									\
	bool is_met = (condition);					\
									\
	if (!is_met) {							\
		kunit_failed(test, __FILE__, __LINE__, text);		\
		kunit_explain(__VA_ARGS__);				\
	}								\
	is_met;								\
})

#define SHIM_EXPECT_EQ(test, left, right, ...)				\
({									\
	long long left_value = (long long)(left);			\
	long long right_value = (long long)(right);			\
	bool is_equal;							\
									\
	is_equal = SHIM_EXPECT(test, left_value == right_value,		\
			       #left " == " #right, __VA_ARGS__);	\
	if (!is_equal)							\
		kunit_explain("left is %lld (0x%llx), right is %lld (0x%llx)",	\
			      left_value, left_value, right_value,	\
			      right_value);				\
	is_equal;							\
})

#define KUNIT_EXPECT_TRUE(test, condition)				\
	((void)SHIM_EXPECT(test, condition, #condition, ""))
#define KUNIT_EXPECT_TRUE_MSG(test, condition, ...)			\
	((void)SHIM_EXPECT(test, condition, #condition, __VA_ARGS__))
#define KUNIT_EXPECT_FALSE(test, condition)				\
	((void)SHIM_EXPECT(test, !(condition), "!(" #condition ")", ""))
#define KUNIT_EXPECT_EQ(test, left, right)				\
	((void)SHIM_EXPECT_EQ(test, left, right, ""))
#define KUNIT_EXPECT_EQ_MSG(test, left, right, ...)			\
	((void)SHIM_EXPECT_EQ(test, left, right, __VA_ARGS__))
#define KUNIT_EXPECT_NOT_NULL(test, pointer)				\
	((void)SHIM_EXPECT(test, (pointer) != NULL, #pointer " is set", ""))
#define KUNIT_EXPECT_MEMEQ(test, left, right, size)			\
	KUNIT_EXPECT_MEMEQ_MSG(test, left, right, size, "")
#define KUNIT_EXPECT_MEMEQ_MSG(test, left, right, size, ...)		\
do {									\
	const u8 *left_bytes = (const u8 *)(left);			\
	const u8 *right_bytes = (const u8 *)(right);			\
	size_t at = 0;							\
									\
	while (at < (size) && left_bytes[at] == right_bytes[at])	\
		at++;							\
	if (!SHIM_EXPECT(test, at == (size),				\
			 #left " and " #right " are alike", __VA_ARGS__))	\
		kunit_explain("byte %zu is %02x on the left, %02x on the right", \
			      at, left_bytes[at], right_bytes[at]);	\
} while (0)

#define KUNIT_ASSERT_EQ(test, left, right)				\
	KUNIT_ASSERT_EQ_MSG(test, left, right, "")
#define KUNIT_ASSERT_EQ_MSG(test, left, right, ...)			\
do {									\
	if (!SHIM_EXPECT_EQ(test, left, right, __VA_ARGS__))		\
		longjmp((test)->aborted, 1);				\
} while (0)
#define KUNIT_FAIL_AND_ABORT(test, ...)					\
do {									\
	SHIM_EXPECT(test, false, "not to get here", __VA_ARGS__);	\
	longjmp((test)->aborted, 1);					\
} while (0)

#endif
