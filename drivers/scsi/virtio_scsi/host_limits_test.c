// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for host_limits.c: a configuration that changes while it is read
 * (virtio 1.3, 2.5.1). No transport for virtual machines has one on demand, so
 * the device is made up here.
 */
#include <kunit/test.h>
#include <linux/stddef.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_scsi.h>

#include "host_limits.h"

/* Every field of the configuration reads as its generation. */
struct fake_device {
	struct virtio_device vdev;
	u32 generation;
	unsigned int nr_changes;	/* that are still to come, one in each attempt */
	unsigned int nr_attempts;
};

static void fake_get(struct virtio_device *vdev, unsigned int offset, void *buf,
		     unsigned int len)
{
	struct fake_device *fake = container_of(vdev, struct fake_device, vdev);
	__le32 value;

	if (offset == offsetof(struct virtio_scsi_config, num_queues))
		fake->nr_attempts++;
	if (offset == offsetof(struct virtio_scsi_config, sense_size) &&
	    fake->nr_changes) {
		fake->nr_changes--;
		fake->generation++;
	}
	value = cpu_to_le32(fake->generation);
	memcpy(buf, &value, len);
}

static u32 fake_generation(struct virtio_device *vdev)
{
	return container_of(vdev, struct fake_device, vdev)->generation;
}

static const struct virtio_config_ops fake_ops = {
	.get = fake_get,
	.generation = fake_generation,
};

/* A transport before virtio 1.0 has no generation. */
static const struct virtio_config_ops fake_ops_legacy = {
	.get = fake_get,
};

static struct fake_device *fake_alloc(struct kunit *test,
				      const struct virtio_config_ops *ops,
				      unsigned int nr_changes)
{
	struct fake_device *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->vdev.config = ops;
	fake->generation = 7;
	fake->nr_changes = nr_changes;
	__virtio_set_bit(&fake->vdev, VIRTIO_F_VERSION_1);
	return fake;
}

static void host_limits_test_generation(struct kunit *test)
{
	static const unsigned int nr_changes[] = { 0, 1, 3, 15 };
	struct virtscsi_config config;
	struct fake_device *fake;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nr_changes); i++) {
		fake = fake_alloc(test, &fake_ops, nr_changes[i]);
		KUNIT_ASSERT_EQ(test, 0, virtscsi_host_limits_read_config(&fake->vdev,
									  &config));
		KUNIT_EXPECT_EQ(test, fake->nr_attempts, nr_changes[i] + 1);
		KUNIT_EXPECT_EQ(test, config.num_queues, fake->generation);
		KUNIT_EXPECT_EQ(test, config.seg_max, fake->generation);
		KUNIT_EXPECT_EQ(test, config.max_sectors, fake->generation);
		KUNIT_EXPECT_EQ(test, config.cmd_per_lun, fake->generation);
		KUNIT_EXPECT_EQ(test, config.event_info_size, fake->generation);
		KUNIT_EXPECT_EQ(test, config.sense_size, fake->generation);
		KUNIT_EXPECT_EQ(test, config.cdb_size, fake->generation);
		KUNIT_EXPECT_EQ(test, config.max_channel, fake->generation);
		KUNIT_EXPECT_EQ(test, config.max_target, fake->generation);
		KUNIT_EXPECT_EQ(test, config.max_lun, fake->generation);
	}
}

static void host_limits_test_never_stable(struct kunit *test)
{
	struct fake_device *fake = fake_alloc(test, &fake_ops, UINT_MAX);
	struct virtscsi_config config;

	KUNIT_EXPECT_EQ(test, -EIO, virtscsi_host_limits_read_config(&fake->vdev,
								     &config));
	KUNIT_EXPECT_EQ(test, fake->nr_attempts, 16);
}

static void host_limits_test_no_generation(struct kunit *test)
{
	struct fake_device *fake = fake_alloc(test, &fake_ops_legacy, 1);
	struct virtscsi_config config;

	KUNIT_EXPECT_EQ(test, 0, virtscsi_host_limits_read_config(&fake->vdev,
								  &config));
	KUNIT_EXPECT_EQ(test, fake->nr_attempts, 1);
}

static struct kunit_case host_limits_test_cases[] = {
	KUNIT_CASE(host_limits_test_generation),
	KUNIT_CASE(host_limits_test_never_stable),
	KUNIT_CASE(host_limits_test_no_generation),
	{}
};

static struct kunit_suite host_limits_test_suite = {
	.name = "virtio_scsi_host_limits",
	.test_cases = host_limits_test_cases,
};

kunit_test_suite(host_limits_test_suite);
